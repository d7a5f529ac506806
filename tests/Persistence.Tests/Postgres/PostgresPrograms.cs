// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;

namespace KvmActors.Persistence.Tests.Postgres;

/// <summary>The programs of a PostgreSQL server on this machine.</summary>
public static class PostgresPrograms
{
    /// <summary>Null where they are there; else why tests that need them are skipped.</summary>
    public static string? Missing { get; } = Find() is null
        ? "Expected initdb and postgres (15 or later) in PATH, in the folder that pg_config --bindir tells, or in "
            + "/usr/lib/postgresql/*/bin, found none. On Debian: apt-get install postgresql."
        : null;

    public static string PathOf(string program) => Path.Combine(
        Find() ?? throw new InvalidOperationException(Missing), program);

    private static string? Find()
    {
        IEnumerable<string> installed = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").OrderDescending()
                .Select(path => Path.Combine(path, "bin"))
            : [];
        string[] onPath = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        return new[] { AskPgConfig() }.Concat(installed).Concat(onPath).FirstOrDefault(
            folder => folder is not null
                && File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "postgres")));
    }

    private static string? AskPgConfig()
    {
        try
        {
            using Process config = Process.Start(
                new ProcessStartInfo("pg_config", ["--bindir"]) { RedirectStandardOutput = true })!;
            return config.StandardOutput.ReadToEnd().Trim();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // There is no such program.
            return null;
        }
    }
}
