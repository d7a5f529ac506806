// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;

namespace KvmActors.Host.Tests.Debug;

/// <summary>A fact that needs gdb; skipped, with that reason, where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class GdbFactAttribute : FactAttribute
{
    private static readonly Lazy<bool> s_isThere = new(IsThere);

    public GdbFactAttribute() => Skip = s_isThere.Value
        ? null
        : "Expected a gdb that knows x86-64, found none. On Debian: apt-get install gdb.";

    private static bool IsThere()
    {
        try
        {
            using Process gdb = Process.Start(new ProcessStartInfo(
                "gdb", ["-nx", "-batch", "-ex", "set architecture i386:x86-64"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            Task<string> errors = gdb.StandardError.ReadToEndAsync();
            string output = gdb.StandardOutput.ReadToEnd();
            gdb.WaitForExit();
            return gdb.ExitCode == 0 && output.Contains("i386:x86-64", StringComparison.Ordinal)
                && errors.Result.Length == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // There is no such program.
            return false;
        }
    }
}
