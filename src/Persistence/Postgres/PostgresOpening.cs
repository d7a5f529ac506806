// SPDX-License-Identifier: Apache-2.0

using System.Data;
using System.Globalization;

namespace KvmActors.Persistence.Postgres;

/// <summary>Creates the tables where there are none, and checks that what is there is ours and that the server keeps
/// what it acknowledges.</summary>
internal static class PostgresOpening
{
    /// <summary>The first version that was tried.</summary>
    internal const int ServerVersionMin = 150000;

    private const string Lock = "SELECT pg_advisory_xact_lock(hashtextextended($1 || '/schema', 0))";

    private const string CountTables =
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1";

    private const string ReadVersion = "SELECT value FROM meta WHERE key = 'schema_ver'";

    private const string HasMeta = "SELECT to_regclass($1 || '.meta') IS NOT NULL";

    private const string HasFunction =
        """
        SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = $1 AND p.proname = $2
        """;

    private const string FirstRows =
        """
        INSERT INTO meta(key, value) VALUES
          ('schema_ver', $1), ('cluster_id', $2), ('membership_version', '0'), ('page_collections', '0')
        """;

    private const string Prune = $"DELETE FROM dedup WHERE at_ms < coalesce($1, {PostgresSchema.ClockMs}) - $2";

    /// <exception cref="StoreOpenException">The schema is another program's, or of another version; or the server may
    /// lose what it acknowledged.</exception>
    internal static async Task CreateOrCheckAsync(
        PostgresSession session, PostgresAddress address, CancellationToken cancellationToken)
    {
        await CheckServerAsync(session, address, cancellationToken).ConfigureAwait(false);
        await session.InTransactionAsync(
            IsolationLevel.ReadCommitted,
            async () =>
            {
                // One at a time: nodes of a new cluster start together.
                await session.ExecuteAsync(Lock, cancellationToken, address.Schema).ConfigureAwait(false);
                await CreateAsync(session, address, cancellationToken).ConfigureAwait(false);
                return true;
            },
            cancellationToken).ConfigureAwait(false);
        await CheckAsync(session, address, cancellationToken).ConfigureAwait(false);
    }

    /// <exception cref="StoreOpenException">There is no store, or it is of another version.</exception>
    internal static async Task CheckAsync(
        PostgresSession session, PostgresAddress address, CancellationToken cancellationToken)
    {
        if (await session.ScalarAsync(HasMeta, cancellationToken, address.Schema).ConfigureAwait(false) is not true)
        {
            bool isEmpty = await CountAsync(session, CountTables, cancellationToken, address.Schema)
                .ConfigureAwait(false) == 0;
            throw new StoreOpenException(isEmpty
                ? $"Expected a KvmActors store at {address}, found no tables in the schema {address.Schema}. Check the "
                    + "address."
                : $"Expected a KvmActors store at {address}, found tables of another program in the schema "
                    + $"{address.Schema}. Name another schema; this one was not changed.");
        }

        string? found = await session.ScalarAsync(ReadVersion, cancellationToken).ConfigureAwait(false) as string;
        string expected = PostgresSchema.Version.ToString(CultureInfo.InvariantCulture);
        if (found != expected)
        {
            throw new StoreOpenException(
                $"Expected the store {address} in schema version {expected}, found version {found ?? "none"}. Open it "
                + "with the version of KvmActors that wrote it.");
        }
    }

    /// <summary>Replies to commands of long ago.</summary>
    internal static Task<int> PruneAsync(
        PostgresSession session, object clock, TimeSpan keptFor, CancellationToken cancellationToken) =>
        session.ExecuteAsync(Prune, cancellationToken, clock, (long)keptFor.TotalMilliseconds);

    private static async Task CheckServerAsync(
        PostgresSession session, PostgresAddress address, CancellationToken cancellationToken)
    {
        string Named(string what, string found, string advice) =>
            $"Expected {what} at {address}, found {found}. {advice}";

        int version = int.Parse(
            await ShowAsync(session, "server_version_num", cancellationToken).ConfigureAwait(false),
            CultureInfo.InvariantCulture);
        if (version < ServerVersionMin)
        {
            throw new StoreOpenException(Named(
                "PostgreSQL 15 or later",
                await ShowAsync(session, "server_version", cancellationToken).ConfigureAwait(false),
                "Use a newer server."));
        }

        foreach (string setting in (string[])["fsync", "full_page_writes"])
        {
            if (await ShowAsync(session, setting, cancellationToken).ConfigureAwait(false) != "on")
            {
                throw new StoreOpenException(Named(
                    $"a server that keeps what it acknowledged ({setting} = on)",
                    $"{setting} = off",
                    "Switch it on in postgresql.conf."));
            }
        }

        string commit = await ShowAsync(session, "synchronous_commit", cancellationToken).ConfigureAwait(false);
        if (commit is not ("on" or "remote_apply"))
        {
            throw new StoreOpenException(Named(
                "synchronous_commit = on, which each connection asks for",
                commit,
                "Connect to the server itself, or let the pooler between pass the settings of a connection on."));
        }

        string encoding = await ShowAsync(session, "server_encoding", cancellationToken).ConfigureAwait(false);
        if (encoding != "UTF8")
        {
            throw new StoreOpenException(Named(
                "a database in UTF8", encoding, "Create it with: createdb --encoding=UTF8 --template=template0."));
        }
    }

    private static async Task CreateAsync(
        PostgresSession session, PostgresAddress address, CancellationToken cancellationToken)
    {
        if (await CountAsync(session, CountTables, cancellationToken, address.Schema).ConfigureAwait(false) == 0)
        {
            // A name of a-z, 0-9 and '_': PostgresAddress has seen to it.
            await session.ExecuteAsync($"CREATE SCHEMA IF NOT EXISTS {address.Schema}", cancellationToken)
                .ConfigureAwait(false);
            await session.ExecuteAsync(PostgresSchema.Tables, cancellationToken).ConfigureAwait(false);
            await session.ExecuteAsync(
                FirstRows,
                cancellationToken,
                PostgresSchema.Version.ToString(CultureInfo.InvariantCulture),
                Guid.NewGuid().ToString()).ConfigureAwait(false);
        }

        // Another version's store gets no function of ours: the check that follows refuses it.
        bool isOurs = await session.ScalarAsync(HasMeta, cancellationToken, address.Schema).ConfigureAwait(false)
            is true;
        if (isOurs && await CountAsync(
            session, HasFunction, cancellationToken, address.Schema, PostgresCommitFunction.Name)
            .ConfigureAwait(false) == 0)
        {
            await session.ExecuteAsync(PostgresCommitFunction.Create, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<long> CountAsync(
        PostgresSession session, string sql, CancellationToken cancellationToken, params object[] values) =>
        (long)(await session.ScalarAsync(sql, cancellationToken, values).ConfigureAwait(false))!;

    private static async Task<string> ShowAsync(
        PostgresSession session, string setting, CancellationToken cancellationToken) =>
        (string)(await session.ScalarAsync("SELECT current_setting($1)", cancellationToken, setting)
            .ConfigureAwait(false))!;
}
