// SPDX-License-Identifier: Apache-2.0

using Npgsql;
using NpgsqlTypes;

namespace KvmActors.Persistence.Postgres;

/// <summary>One connection. One call at a time.</summary>
/// <remarks>Parameters are $1, $2… in the order given. The connection prepares what it sees again by itself.</remarks>
internal sealed class PostgresSession(NpgsqlConnection connection) : IAsyncDisposable
{
    /// <summary>NULL where a number may stand.</summary>
    internal static object NoNumber { get; } =
        new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Bigint, Value = DBNull.Value };

    internal NpgsqlConnection Connection => connection;

    /// <summary>False once the connection broke, whatever the fault of that call was.</summary>
    internal bool IsOpen => connection.FullState.HasFlag(System.Data.ConnectionState.Open)
        && !connection.FullState.HasFlag(System.Data.ConnectionState.Broken);

    /// <returns>Rows changed.</returns>
    internal async Task<int> ExecuteAsync(string sql, CancellationToken cancellationToken, params object[] values)
    {
        await using NpgsqlCommand command = Bind(sql, values);
        return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    internal async Task<List<T>> QueryAsync<T>(
        string sql, Func<NpgsqlDataReader, T> map, CancellationToken cancellationToken, params object[] values)
    {
        await using NpgsqlCommand command = Bind(sql, values);
        await using NpgsqlDataReader reader =
            await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        List<T> rows = [];
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            rows.Add(Map(reader, map));
        }

        // The last row comes before the commit: a fault of the commit is told only here.
        await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
        return rows;
    }

    /// <summary>Reads until the end or until a row that is damaged, which then is the first one of another query and
    /// fails there: so the sound rows before it are not lost, and the place is exact.</summary>
    internal async Task<(List<T> Rows, bool IsEnd)> QueryUntilFaultAsync<T>(
        string sql, Func<NpgsqlDataReader, T> map, CancellationToken cancellationToken, params object[] values)
    {
        await using NpgsqlCommand command = Bind(sql, values);
        await using NpgsqlDataReader reader =
            await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        List<T> rows = [];
        try
        {
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                rows.Add(Map(reader, map));
            }

            return (rows, true);
        }
        catch (StoreCorruptException) when (rows.Count > 0)
        {
            return (rows, false);
        }
    }

    /// <returns>The first row, or null.</returns>
    internal async Task<T?> FindAsync<T>(
        string sql, Func<NpgsqlDataReader, T> map, CancellationToken cancellationToken, params object[] values)
        where T : class =>
        (await QueryAsync(sql, map, cancellationToken, values).ConfigureAwait(false)).FirstOrDefault();

    /// <returns>The first column of the first row, or null.</returns>
    internal async Task<object?> ScalarAsync(string sql, CancellationToken cancellationToken, params object[] values)
    {
        await using NpgsqlCommand command = Bind(sql, values);
        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is { } value and not DBNull
            ? value
            : null;
    }

    internal async Task<T> InTransactionAsync<T>(
        System.Data.IsolationLevel isolation, Func<Task<T>> work, CancellationToken cancellationToken)
    {
        await using NpgsqlTransaction transaction =
            await connection.BeginTransactionAsync(isolation, cancellationToken).ConfigureAwait(false);
        T result = await work().ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return result;
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    internal static T Map<T>(NpgsqlDataReader row, Func<NpgsqlDataReader, T> map)
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

    private static NpgsqlParameter ToParameter(object value) => value switch
    {
        NpgsqlParameter given => given.Clone(),
        ulong number => new NpgsqlParameter { Value = checked((long)number) },
        Digest digest => new NpgsqlParameter { Value = digest.ToArray() },
        StreamId stream => new NpgsqlParameter { Value = stream.Value },
        VmId vm => new NpgsqlParameter { Value = vm.Value },
        NodeId node => new NpgsqlParameter { Value = node.Value },
        _ => new NpgsqlParameter { Value = value },
    };

    private NpgsqlCommand Bind(string sql, object[] values)
    {
#pragma warning disable CA2100 // Every statement is a constant of this project; values are always parameters.
        NpgsqlCommand command = new(sql, connection);
#pragma warning restore CA2100
        foreach (object value in values)
        {
            command.Parameters.Add(ToParameter(value));
        }

        return command;
    }
}
