// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Configuration;
using KvmActors.Host.Security;
using KvmActors.Persistence;
using KvmActors.Persistence.Postgres;
using KvmActors.Persistence.Sqlite;

namespace KvmActors.Host.Store;

/// <summary>Opens the store that a command line or a configuration names: an SQLite file, or a PostgreSQL
/// address.</summary>
internal static class StoreOpening
{
    /// <summary>Opens a store only to read, also beside running nodes.</summary>
    /// <param name="store">A file, or "postgres://USER@HOST/DATABASE".</param>
    /// <exception cref="CliFault">An address that is none.</exception>
    /// <exception cref="StoreOpenException">There is no store that can be read.</exception>
    public static async Task<IStore> OpenReadOnlyAsync(string store, CancellationToken cancellationToken) =>
        PostgresAddress.IsAddress(store)
            ? await PostgresStore.OpenReadOnlyAsync(ParseAddress(store), cancellationToken).ConfigureAwait(false)
            : await SqliteStore.OpenReadOnlyAsync(store, cancellationToken).ConfigureAwait(false);

    /// <summary>Opens a store that is there, to write.</summary>
    /// <inheritdoc cref="OpenReadOnlyAsync"/>
    public static async Task<IStore> OpenExistingAsync(string store, CancellationToken cancellationToken)
    {
        await using (await OpenReadOnlyAsync(store, cancellationToken).ConfigureAwait(false))
        {
            // What is no store is told from one before anything is written.
        }

        return PostgresAddress.IsAddress(store)
            ? await PostgresStore.OpenAsync(ParseAddress(store), new PostgresStoreOptions(), cancellationToken)
                .ConfigureAwait(false)
            : await SqliteStore.OpenAsync(store, new SqliteStoreOptions(), TimeProvider.System, cancellationToken)
                .ConfigureAwait(false);
    }

    /// <summary>Opens a node's store, or creates it.</summary>
    public static async Task<IStore> OpenAsync(HostOptions options, CancellationToken cancellationToken)
    {
        StoreOptions store = options.Store;
        if (store.Kind == StoreKind.Postgres)
        {
            return await PostgresStore.OpenAsync(store.Postgres, store.PostgresOptions, cancellationToken)
                .ConfigureAwait(false);
        }

        // SQLite gives its other files the permissions of this one.
        PrivateFile.CreateIfMissing(store.Path);
        SqliteStoreOptions sqlite = new()
        {
            Synchronous = store.FlushAtCommit ? SqliteSynchronous.Full : SqliteSynchronous.Normal,
            CommitTimeout = store.CommitTimeout,
            StoppedHolderAfter = options.Cluster.Lease,
        };
        return await SqliteStore.OpenAsync(store.Path, sqlite, TimeProvider.System, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <exception cref="CliFault">It is none; the message says what is wrong.</exception>
    public static PostgresAddress ParseAddress(string text)
    {
        try
        {
            return PostgresAddress.Parse(text);
        }
        catch (FormatException fault)
        {
            throw new CliFault(fault.Message, fault);
        }
    }
}
