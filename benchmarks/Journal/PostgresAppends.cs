// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Benchmarks.Parts;
using KvmActors.Persistence.Postgres;
using Npgsql;
using NpgsqlTypes;

namespace KvmActors.Benchmarks.Journal;

/// <summary>The appends of <see cref="Appends"/> on a PostgreSQL server; beside them PostgreSQL alone, with a hundred
/// rows of the same size in each statement, by one array a column, as durable.</summary>
internal static class PostgresAppends
{
    /// <summary>Address of the database; each round makes a schema of its own in it.</summary>
    private const string Variable = "KVMACTORS_POSTGRES";

    private const int Rounds = 5;
    private const int PayloadBytes = 43;

    public static async Task MeasureAsync(Action<string, FormattableString> print)
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { } text)
        {
            print("appends on PostgreSQL", $"not measured: {Variable} names no server (postgres://USER@HOST/DATABASE)");
            return;
        }

        var address = PostgresAddress.Parse(text);
        string stamp = Guid.NewGuid().ToString("n")[..8];
        ((double Speed, double Group) Ours, double Raw)[] rounds = new ((double, double), double)[Rounds];
        for (int round = 0; round < Rounds; round++)
        {
            PostgresAddress own = address with { Schema = $"bench_{stamp}_{round}" };
            rounds[round] = (await OursAsync(own), await RawAsync(own));
        }

        double ours = Median.Of(rounds.Select(round => round.Ours.Speed));
        double group = Median.Of(rounds.Select(round => round.Ours.Group));
        double raw = Median.Of(rounds.Select(round => round.Raw));
        double ratio = Median.Of(rounds.Select(round => round.Raw / round.Ours.Speed));
        print("appends of 100 vCPUs on PostgreSQL, each event durable", $"{ours,12:n0} events/s; {group:f0} a commit");
        print("PostgreSQL alone, 100 rows a statement", $"{raw,12:n0} rows/s, {ratio:f2} times as many");
    }

    private static async Task<(double Speed, double Group)> OursAsync(PostgresAddress address)
    {
        await using PostgresStore store = await PostgresStore.OpenAsync(address, new PostgresStoreOptions());
        return await Appends.RunAsync(store, () => store.GroupsCommitted);
    }

    /// <summary>Into a table as the journal is, in the same schema, which is then dropped.</summary>
    private static async Task<double> RawAsync(PostgresAddress address)
    {
        await using NpgsqlConnection connection = new(new NpgsqlConnectionStringBuilder
        {
            Host = address.Host,
            Port = address.Port,
            Database = address.Database,
            Username = address.User,
            Passfile = address.PasswordFile,
            SearchPath = address.Schema,
            Pooling = false,
        }.ConnectionString);
        await connection.OpenAsync();
        await ExecuteAsync(connection, "CREATE TABLE raw(LIKE journal INCLUDING ALL)");
        await using NpgsqlCommand insert = new(
            """
            INSERT INTO raw SELECT u.stream, $2, 1, 7, 1, $2 * 1000, NULL, NULL, $3, $4 FROM unnest($1) AS u(stream)
            """,
            connection);
        insert.Parameters.Add(new NpgsqlParameter
        {
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
            Value = Enumerable.Range(0, Appends.Vcpus).Select(vcpu => $"vm-{vcpu}/0").ToArray(),
        });
        insert.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Bigint, Value = 0L });
        insert.Parameters.Add(new NpgsqlParameter { Value = new byte[PayloadBytes] });
        insert.Parameters.Add(new NpgsqlParameter { Value = new byte[32] });
        await insert.PrepareAsync();
        long start = Stopwatch.GetTimestamp();
        for (long number = 1; number <= Appends.EventsEach; number++)
        {
            insert.Parameters[1].Value = number;
            await insert.ExecuteNonQueryAsync();
        }

        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await ExecuteAsync(connection, $"DROP SCHEMA {address.Schema} CASCADE");
        return Appends.Vcpus * Appends.EventsEach / seconds;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
#pragma warning disable CA2100 // The statements of this file.
        await using NpgsqlCommand command = new(sql, connection);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync();
    }
}
