// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace KvmActors.Persistence.Sqlite;

/// <summary>A store file and how connections to it are opened.</summary>
internal sealed class SqliteFile(string path, SqliteSynchronous synchronous)
{
    // Writers take turns by WriterLock, so only a foreign tool can make a connection wait.
    private const int BusyTimeoutMs = 1000;
    private const int WalBytesKept = 64 << 20;

    // 32 MiB, with pages of 4 KiB: each append of a stream writes its last page again, and the file needs it only once,
    // when the WAL is moved into it.
    private const int WalPagesToCheckpoint = 8192;

    internal string Path => path;

    /// <summary>The connection of the writer. Creates the file where there is none.</summary>
    /// <exception cref="StoreOpenException">The file cannot be opened, or is no store.</exception>
    internal SqliteSession OpenWriter() =>
        Open(raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE, SqliteSchema.CreateOrCheck);

    /// <summary>A connection that cannot write.</summary>
    /// <exception cref="StoreOpenException">The file is missing, cannot be opened, or is no store.</exception>
    internal SqliteSession OpenReader()
    {
        if (!File.Exists(path))
        {
            throw new StoreOpenException($"Expected a KvmActors store at {path}, found no file. Check the path.");
        }

        return Open(raw.SQLITE_OPEN_READONLY, SqliteSchema.Check);
    }

    private SqliteSession Open(int mode, Action<SqliteSession, string> check)
    {
        SqliteSession? session = null;
        try
        {
            session = SqliteSession.Open(path, mode);
            session.Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA busy_timeout = {BusyTimeoutMs}"));
            session.Execute($"PRAGMA synchronous = {(synchronous == SqliteSynchronous.Full ? "FULL" : "NORMAL")}");
            session.Execute("PRAGMA cell_size_check = ON");
            session.Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA journal_size_limit = {WalBytesKept}"));
            session.Execute(
                string.Create(CultureInfo.InvariantCulture, $"PRAGMA wal_autocheckpoint = {WalPagesToCheckpoint}"));
            check(session, path);
            return session;
        }
        catch (Exception fault)
        {
            session?.Dispose();
            if (fault is SqliteException sqlite)
            {
                throw SqliteFault.AtOpening(sqlite, path);
            }

            throw;
        }
    }
}
