// SPDX-License-Identifier: Apache-2.0

using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace KvmActors.Persistence.Sqlite;

/// <summary>Connections that only read. In WAL mode they neither wait for the writer nor hold it up.</summary>
internal sealed class SqliteReaders(SqliteFile file) : IDisposable
{
    /// <summary>Reads at one time; further ones wait.</summary>
    internal const int ReadersMax = 8;

    private readonly ConcurrentBag<SqliteSession> _idle = [];
    private readonly SemaphoreSlim _places = new(ReadersMax);
    private volatile bool _closed;

    /// <summary>Reads on a thread of the pool, never on the caller's: SQLite's calls block.</summary>
    internal async ValueTask<T> RunAsync<T>(Func<SqliteSession, T> read, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        await _places.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => Read(read), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _places.Release();
        }
    }

    public void Dispose()
    {
        _closed = true;
        while (_idle.TryTake(out SqliteSession? session))
        {
            session.Dispose();
        }
    }

    private T Read<T>(Func<SqliteSession, T> read)
    {
        if (!_idle.TryTake(out SqliteSession? session))
        {
            session = file.OpenReader();
        }

        bool sound = false;
        try
        {
            T result = read(session);
            sound = true;
            return result;
        }
        catch (SqliteException fault)
        {
            throw SqliteFault.AtRead(fault, file.Path);
        }
        finally
        {
            if (sound && !_closed)
            {
                _idle.Add(session);
            }
            else
            {
                session.Dispose();
            }
        }
    }
}
