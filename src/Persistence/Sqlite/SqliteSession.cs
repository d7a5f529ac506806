// SPDX-License-Identifier: Apache-2.0

using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace KvmActors.Persistence.Sqlite;

/// <summary>One connection with its prepared statements. One thread at a time.</summary>
/// <remarks>Every statement is a constant of this project, kept prepared by its text; values are always parameters. A
/// mapping reads its row at once and runs no statement itself.</remarks>
internal sealed class SqliteSession : IDisposable
{
    private readonly sqlite3 _database;
    private readonly Dictionary<string, SqliteStatement> _statements = [];

    static SqliteSession() => Batteries_V2.Init();

    private SqliteSession(sqlite3 database) => _database = database;

    /// <summary>Whether BEGIN is in force. SQLite ends a transaction by itself at some faults (full disk,
    /// I/O).</summary>
    internal bool IsInTransaction => raw.sqlite3_get_autocommit(_database) == 0;

    /// <summary>Rows changed since the connection was opened, whatever was rolled back later.</summary>
    internal int RowsChanged => raw.sqlite3_total_changes(_database);

    /// <param name="mode">SQLite's flags for reading, writing and creating.</param>
    /// <exception cref="SqliteException">The file cannot be opened.</exception>
    internal static SqliteSession Open(string path, int mode)
    {
        // Without SQLite's own mutex: it would be taken at each column and each parameter.
        int result = raw.sqlite3_open_v2(path, out sqlite3 database, mode | raw.SQLITE_OPEN_NOMUTEX, vfs: null);
        try
        {
            SqliteException.ThrowExceptionForRC(result, database);
            return new SqliteSession(database);
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <returns>Rows changed.</returns>
    internal int Execute(string sql, params ReadOnlySpan<SqliteValue> values)
    {
        int before = RowsChanged;
        SqliteStatement statement = Bind(sql, values);
        try
        {
            while (statement.Step())
            {
            }
        }
        finally
        {
            statement.Reset();
        }

        return RowsChanged - before;
    }

    /// <summary>Runs statements one after the other, unprepared.</summary>
    internal void ExecuteScript(string sql) =>
        SqliteException.ThrowExceptionForRC(raw.sqlite3_exec(_database, sql), _database);

    internal List<T> Query<T>(string sql, Func<SqliteRow, T> map, params ReadOnlySpan<SqliteValue> values)
    {
        SqliteStatement statement = Bind(sql, values);
        List<T> rows = [];
        try
        {
            while (statement.Step())
            {
                rows.Add(map(statement.Row));
            }
        }
        finally
        {
            statement.Reset();
        }

        return rows;
    }

    /// <summary>Reads until the end or until a row that cannot be read, which then is the first one of another query
    /// and fails there: so the sound rows before it are not lost, and the place is exact.</summary>
    internal (List<T> Rows, bool IsEnd) QueryUntilFault<T>(
        string sql, Func<SqliteRow, T> map, params ReadOnlySpan<SqliteValue> values)
    {
        SqliteStatement statement = Bind(sql, values);
        List<T> rows = [];
        try
        {
            while (statement.Step())
            {
                rows.Add(map(statement.Row));
            }

            return (rows, true);
        }
        catch (Exception fault) when (rows.Count > 0 && fault is SqliteException or StoreCorruptException)
        {
            return (rows, false);
        }
        finally
        {
            statement.Reset();
        }
    }

    /// <returns>The first row, or null.</returns>
    internal T? Find<T>(string sql, Func<SqliteRow, T> map, params ReadOnlySpan<SqliteValue> values)
        where T : class
    {
        SqliteStatement statement = Bind(sql, values);
        try
        {
            return statement.Step() ? map(statement.Row) : null;
        }
        finally
        {
            statement.Reset();
        }
    }

    /// <returns>The first column of the first row, or null.</returns>
    internal object? Scalar(string sql, params ReadOnlySpan<SqliteValue> values) =>
        Find(sql, static row => new Cell(row.GetValue(0)), values)?.Value;

    public void Dispose()
    {
        foreach (SqliteStatement statement in _statements.Values)
        {
            statement.Dispose();
        }

        _database.Dispose();
    }

    private SqliteStatement Bind(string sql, ReadOnlySpan<SqliteValue> values)
    {
        if (!_statements.TryGetValue(sql, out SqliteStatement? statement))
        {
            statement = new SqliteStatement(_database, sql);
            _statements.Add(sql, statement);
        }

        statement.Bind(values);
        return statement;
    }

    private sealed record Cell(object? Value);
}
