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

    /// <summary>Opens the first connection: says what is wrong with the file.</summary>
    /// <exception cref="StoreOpenException">The file is missing, cannot be opened, or is no store.</exception>
    internal Task OpenFirstAsync() => Task.Run(() =>
    {
        _idle.Add(file.OpenReader());
    });

    public void Dispose()
    {
        _closed = true;
        while (_idle.TryTake(out SqliteSession? session))
        {
            session.Dispose();
        }
    }

    /// <summary>A store that was opened and is not there any more is away, as far as its users can tell.</summary>
    private SqliteSession Open()
    {
        try
        {
            return file.OpenReader();
        }
        catch (StoreOpenException fault)
        {
            throw new StoreUnavailableException(fault.Message, CommitOutcome.NotCommitted, fault);
        }
    }

    private T Read<T>(Func<SqliteSession, T> read)
    {
        SqliteSession session = _idle.TryTake(out SqliteSession? idle) ? idle : Open();
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
