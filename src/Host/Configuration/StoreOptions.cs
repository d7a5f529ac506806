// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Hocon;
using KvmActors.Persistence.Postgres;

namespace KvmActors.Host.Configuration;

/// <summary>Keys below <c>kvmactors.store</c>; <c>hocon/reference.conf</c> tells what each means.</summary>
/// <param name="Path">Of the SQLite file.</param>
/// <param name="Postgres">Where the server is.</param>
internal sealed record StoreOptions(
    StoreKind Kind,
    string Path,
    TimeSpan CommitTimeout,
    bool FlushAtCommit,
    PostgresAddress Postgres,
    PostgresStoreOptions PostgresOptions)
{
    private const string PostgresKeys = "kvmactors.store.postgres";

    /// <summary>The store as people name it: its file, or its address.</summary>
    public string Name => Kind == StoreKind.Sqlite ? Path : Postgres.ToString();

    public static StoreOptions Bind(HoconConfig config)
    {
        const string Synchronous = "kvmactors.store.synchronous";
        StoreKind kind = config.GetChoice(
            "kvmactors.store.kind", [("sqlite", StoreKind.Sqlite), ("postgres", StoreKind.Postgres)]);
        TimeSpan commitTimeout = config.GetDuration(
            "kvmactors.store.commit-timeout", TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1));
        bool flush = config.GetChoice(Synchronous, [("full", true), ("normal", false)]);
        if (kind == StoreKind.Postgres && !flush)
        {
            throw config.Wrong(
                Synchronous,
                "full where store.kind is postgres",
                "A server that answers before it flushes may lose what it acknowledged, and another node would go on "
                + "without it.");
        }

        return new StoreOptions(
            kind,
            config.GetText("kvmactors.store.path") is { Length: > 0 } path
                ? path
                : throw config.Wrong(
                    "kvmactors.store.path", "a file path", "Name the SQLite file to use or create."),
            commitTimeout,
            flush,
            BindAddress(config),
            BindPostgres(config, commitTimeout));
    }

    private static PostgresAddress BindAddress(HoconConfig config)
    {
        string schema = config.GetText($"{PostgresKeys}.schema");
        return new PostgresAddress(
            Required(config, "host", "Name the server."),
            (int)config.GetInteger($"{PostgresKeys}.port", 1, 65_535),
            Required(config, "database", "Name the database."),
            Required(config, "user", "Name the role to log in as."),
            PostgresAddress.IsSchemaName(schema)
                ? schema
                : throw config.Wrong(
                    $"{PostgresKeys}.schema", "1 to 63 of a-z, 0-9 and '_', first a letter", "Choose such a name."),
            config.GetChoice(
                $"{PostgresKeys}.ssl-mode",
                [
                    ("auto", PostgresSsl.Auto),
                    ("disable", PostgresSsl.Disable),
                    ("require", PostgresSsl.Require),
                    ("verify-ca", PostgresSsl.VerifyCa),
                    ("verify-full", PostgresSsl.VerifyFull),
                ]),
            config.GetOptionalText($"{PostgresKeys}.password-file"),
            config.GetOptionalText($"{PostgresKeys}.root-certificate"));
    }

    private static PostgresStoreOptions BindPostgres(HoconConfig config, TimeSpan commitTimeout) => new()
    {
        CommitTimeout = commitTimeout,
        StatementTimeout = config.GetDuration(
            $"{PostgresKeys}.statement-timeout", TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1)),
        ConnectTimeout = config.GetDuration(
            $"{PostgresKeys}.connect-timeout", TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1)),
        Writers = (int)config.GetInteger($"{PostgresKeys}.writers", 1, 64),
        Readers = (int)config.GetInteger($"{PostgresKeys}.readers", 1, 1000),
        WaitForStandbyToApply = config.GetChoice(
            $"{PostgresKeys}.synchronous-commit", [("on", false), ("remote_apply", true)]),
    };

    private static string Required(HoconConfig config, string key, string advice) =>
        config.GetText($"{PostgresKeys}.{key}") is { Length: > 0 } text
            ? text
            : throw config.Wrong($"{PostgresKeys}.{key}", "a name", advice);
}
