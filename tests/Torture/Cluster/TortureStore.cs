// SPDX-License-Identifier: Apache-2.0

using System.Data.Common;
using System.Globalization;
using KvmActors.Persistence.Postgres;
using KvmActors.Persistence.Tests.Postgres;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace KvmActors.Torture.Cluster;

/// <summary>The store that the nodes share, on a disk that can be full: an SQLite file, or a server of its
/// own.</summary>
internal sealed class TortureStore : IAsyncDisposable
{
    private readonly SmallDisk _disk;

    private TortureStore(SmallDisk disk, PrivatePostgres? server)
    {
        _disk = disk;
        Server = server;
    }

    /// <summary>Null: an SQLite file.</summary>
    public PrivatePostgres? Server { get; }

    /// <summary>The SQLite file.</summary>
    public string Path => System.IO.Path.Combine(_disk.Folder, "store.db");

    /// <summary>As the command line takes it.</summary>
    public string Name => Server?.Text(PostgresAddress.DefaultSchema) ?? Path;

    /// <summary>How long a node may go without renewing.</summary>
    public TimeSpan Lease => Server is null ? TimeSpan.FromSeconds(2) : TimeSpan.FromSeconds(3);

    /// <summary>HOCON below <c>kvmactors</c>.</summary>
    public string Settings => Server is null
        ? $$"""
            store.path = "{{Path}}"
            cluster { lease = 2s, renew = 500ms, grace = 300ms }
          """
        : $$"""
            store.kind = postgres
            store.postgres {
              host = "{{NodeNetwork.Outside}}", port = {{Server.Port.ToString(CultureInfo.InvariantCulture)}}
              database = postgres, password-file = "{{Server.PasswordFile}}", readers = 4, statement-timeout = 1s
            }
            cluster { lease = 3s, renew = 750ms, grace = 300ms }
          """;

    public static TortureStore OnSqlite(string folder) => new(new SmallDisk(folder, megabytes: 192), server: null);

    public static async Task<TortureStore> OnPostgresAsync(string folder)
    {
        SmallDisk disk = new(folder, megabytes: 512);
        try
        {
            return new TortureStore(
                disk,
                await PrivatePostgres.StartAsync(
                    tls: null, NodeNetwork.Outside, System.IO.Path.Combine(disk.Folder, "data")));
        }
        catch
        {
            disk.Dispose();
            throw;
        }
    }

    public void FillDisk() => _disk.Fill();

    /// <summary>Makes room again, and starts a server that did not survive without it.</summary>
    public async Task FreeDiskAsync()
    {
        _disk.Free();
        if (Server is { IsRunning: false })
        {
            await Server.RunAsync();
        }
    }

    /// <summary>A connection that only reads, beside the nodes.</summary>
    public async Task<DbConnection> OpenAsync()
    {
        DbConnection connection = Server is null
            ? new SqliteConnection($"Data Source={Path};Mode=ReadOnly;Pooling=False;Default Timeout=5")
            : new NpgsqlConnection(
                $"Host={NodeNetwork.Outside};Port={Server.Port.ToString(CultureInfo.InvariantCulture)};"
                + $"Database=postgres;Username=kvmactors;Passfile={Server.PasswordFile};Pooling=False;Timeout=2;"
                + $"Command Timeout=60;Search Path={PostgresAddress.DefaultSchema}");
        await connection.OpenAsync();
        return connection;
    }

    /// <summary>Ends every session of the nodes (PostgreSQL).</summary>
    public async Task EndSessionsAsync()
    {
        await using DbConnection connection = await OpenAsync();
        await using DbCommand command = connection.CreateCommand();
        command.CommandText =
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() "
            + "AND pid <> pg_backend_pid()";
        await command.ExecuteScalarAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (Server is not null)
        {
            await Server.DisposeAsync();
        }

        _disk.Dispose();
    }
}
