// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using Microsoft.Data.Sqlite;

namespace KvmActors.Persistence.Sqlite;

/// <summary>One connection with its prepared statements. One thread at a time.</summary>
/// <remarks>Parameters are $1, $2… in the order given. An unsigned number beyond 2^63 does not fit SQLite's INTEGER and
/// is refused by an <see cref="OverflowException"/>: VM time would reach it after 292 years.</remarks>
internal sealed class SqliteSession(SqliteConnection connection) : IDisposable
{
    private readonly Dictionary<string, SqliteCommand> _statements = [];

    /// <summary>Whether BEGIN is in force. SQLite ends a transaction by itself at some faults (full disk,
    /// I/O).</summary>
    internal bool IsInTransaction => SQLitePCL.raw.sqlite3_get_autocommit(connection.Handle) == 0;

    /// <returns>Rows changed.</returns>
    internal int Execute(string sql, params ReadOnlySpan<object?> values) => Bind(sql, values).ExecuteNonQuery();

    internal List<T> Query<T>(string sql, Func<SqliteDataReader, T> map, params ReadOnlySpan<object?> values)
    {
        using SqliteDataReader reader = Bind(sql, values).ExecuteReader();
        List<T> rows = [];
        while (reader.Read())
        {
            rows.Add(Map(reader, map));
        }

        return rows;
    }

    /// <summary>Reads until the end or until a row that cannot be read, which then is the first one of another query
    /// and fails there: so the sound rows before it are not lost, and the place is exact.</summary>
    internal (List<T> Rows, bool IsEnd) QueryUntilFault<T>(
        string sql, Func<SqliteDataReader, T> map, params ReadOnlySpan<object?> values)
    {
        using SqliteDataReader reader = Bind(sql, values).ExecuteReader();
        List<T> rows = [];
        try
        {
            while (reader.Read())
            {
                rows.Add(Map(reader, map));
            }

            return (rows, true);
        }
        catch (Exception fault) when (rows.Count > 0 && fault is SqliteException or StoreCorruptException)
        {
            return (rows, false);
        }
    }

    /// <returns>The first row, or null.</returns>
    internal T? Find<T>(string sql, Func<SqliteDataReader, T> map, params ReadOnlySpan<object?> values)
        where T : class
    {
        using SqliteDataReader reader = Bind(sql, values).ExecuteReader();
        return reader.Read() ? Map(reader, map) : null;
    }

    /// <returns>The first column of the first row, or null.</returns>
    internal object? Scalar(string sql, params ReadOnlySpan<object?> values) =>
        Bind(sql, values).ExecuteScalar() is { } value and not DBNull ? value : null;

    public void Dispose()
    {
        foreach (SqliteCommand statement in _statements.Values)
        {
            statement.Dispose();
        }

        connection.Dispose();
    }

    private static T Map<T>(SqliteDataReader row, Func<SqliteDataReader, T> map)
    {
        try
        {
            return map(row);
        }
        catch (Exception fault) when (fault is OverflowException or InvalidCastException or FormatException)
        {
            throw new StoreCorruptException(
                $"A row holds a value that its column cannot have: {fault.Message} Restore the store from a backup.",
                fault);
        }
    }

    private static object ToColumn(object? value) => value switch
    {
        null => DBNull.Value,
        ulong number => checked((long)number),
        Epoch epoch => checked((long)epoch.Value),
        Digest digest => digest.ToArray(),
        StreamId stream => stream.Value,
        VmId vm => vm.Value,
        NodeId node => node.Value,
        MigrationId migration => migration.Value,
        ReadOnlyMemory<byte> bytes => bytes.ToArray(),
        Enum named => Convert.ToInt64(named, CultureInfo.InvariantCulture),
        _ => value,
    };

    private SqliteCommand Bind(string sql, ReadOnlySpan<object?> values)
    {
        if (!_statements.TryGetValue(sql, out SqliteCommand? statement))
        {
            statement = connection.CreateCommand();
#pragma warning disable CA2100 // Every statement is a constant of this project; values are always parameters.
            statement.CommandText = sql;
#pragma warning restore CA2100
            for (int i = 1; i <= values.Length; i++)
            {
                string name = string.Create(CultureInfo.InvariantCulture, $"${i}");
                statement.Parameters.Add(new SqliteParameter { ParameterName = name });
            }

            _statements.Add(sql, statement);
        }

        for (int i = 0; i < values.Length; i++)
        {
            statement.Parameters[i].Value = ToColumn(values[i]);
        }

        return statement;
    }
}
