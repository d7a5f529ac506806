// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Postgres;

namespace KvmActors.Persistence.Tests.Postgres;

/// <summary>One server for the tests that do not kill it, each in a schema of its own.</summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private PrivatePostgres? _server;
    private int _schemas;

    public async Task InitializeAsync() =>
        _server = PostgresPrograms.Missing is null ? await PrivatePostgres.StartAsync() : null;

    public PostgresAddress NewAddress() => _server!.Address($"test_{Interlocked.Increment(ref _schemas)}");

    /// <summary>An address as another process takes it.</summary>
    public string Text(PostgresAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return _server!.Text(address.Schema);
    }

    public async Task DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}
