// SPDX-License-Identifier: Apache-2.0

using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace KvmActors.Persistence.Sqlite;

/// <summary>One prepared statement, bound and stepped by SQLite's own calls: a journal is written in so many short
/// statements that parameters as objects would cost as much as SQLite itself.</summary>
/// <remarks>Parameters are ?1, ?2…, bound by their number. One thread
/// at a time. Source: sqlite.org/c3ref/intro.html.</remarks>
internal sealed class SqliteStatement : IDisposable
{
    private const int TextBytesOnStack = 256;

    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;

    /// <exception cref="SqliteException">The text is no statement, or the database cannot be read.</exception>
    internal SqliteStatement(sqlite3 database, string sql)
    {
        _database = database;
        Check(raw.sqlite3_prepare_v3(database, sql, raw.SQLITE_PREPARE_PERSISTENT, out _statement));
    }

    internal SqliteRow Row => new(_statement);

    internal void Bind(ReadOnlySpan<SqliteValue> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            Check(Bind(i + 1, in values[i]));
        }
    }

    /// <returns>Whether there is a row; false at the end.</returns>
    /// <exception cref="SqliteException">The statement failed.</exception>
    internal bool Step()
    {
        int found = raw.sqlite3_step(_statement);
        if (found is raw.SQLITE_ROW or raw.SQLITE_DONE)
        {
            return found == raw.SQLITE_ROW;
        }

        Check(found);
        throw new InvalidOperationException($"Expected a step to give a row, the end or a fault; found {found}.");
    }

    /// <summary>Ends the run, and with it the read transaction of a SELECT.</summary>
    internal void Reset()
    {
        // It repeats the fault of the step before, which was thrown already.
        _ = raw.sqlite3_reset(_statement);
    }

    public void Dispose() => _statement.Dispose();

    private int Bind(int position, in SqliteValue value) => value.Kind switch
    {
        SqliteValueKind.Null => raw.sqlite3_bind_null(_statement, position),
        SqliteValueKind.Integer => raw.sqlite3_bind_int64(_statement, position, value.Number),
        SqliteValueKind.Text => BindText(position, value.Text!),
        SqliteValueKind.Blob => BindBlob(position, value.Bytes.Span),
    };

    private int BindText(int position, string text)
    {
        Span<byte> bytes = text.Length <= TextBytesOnStack / 3
            ? stackalloc byte[TextBytesOnStack]
            : new byte[Encoding.UTF8.GetByteCount(text)];
        int length = Encoding.UTF8.GetBytes(text, bytes);
        return raw.sqlite3_bind_text(_statement, position, bytes[..length]);
    }

    /// <summary>No bytes are a blob without length, not NULL, which a null pointer would mean.</summary>
    private int BindBlob(int position, ReadOnlySpan<byte> bytes) => bytes.IsEmpty
        ? raw.sqlite3_bind_zeroblob(_statement, position, 0)
        : raw.sqlite3_bind_blob(_statement, position, bytes);

    private void Check(int result) => SqliteException.ThrowExceptionForRC(result, _database);
}
