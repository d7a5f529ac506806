// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.InMemory;
using KvmActors.Persistence.Sqlite;

namespace KvmActors.Persistence.Tests.Stores;

/// <summary><see cref="TakeoverRace"/> in the stores that need no server.</summary>
public sealed class TakeoverRaceTests : IDisposable
{
    private const int Races = 300;

    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task No_acknowledged_append_is_lost_between_two_openings_of_one_file()
    {
        var options = new SqliteStoreOptions
        {
            Synchronous = SqliteSynchronous.Normal,
            CommitTimeout = TimeSpan.FromMinutes(1),
        };
        await using SqliteStore owner = await SqliteStore.OpenAsync(_folder.StorePath, options, TimeProvider.System);
        await using SqliteStore heir = await SqliteStore.OpenAsync(_folder.StorePath, options, TimeProvider.System);

        await TakeoverRace.RunAsync(owner, heir, Races);
    }

    [Fact]
    public async Task No_acknowledged_append_is_lost_within_one_sqlite_store()
    {
        var options = new SqliteStoreOptions { Synchronous = SqliteSynchronous.Normal };
        await using SqliteStore store = await SqliteStore.OpenAsync(_folder.StorePath, options, TimeProvider.System);

        await TakeoverRace.RunAsync(store, store, Races);
    }

    [Fact]
    public async Task No_acknowledged_append_is_lost_within_one_store_in_memory()
    {
        await using var store = new InMemoryStore(TimeProvider.System);

        await TakeoverRace.RunAsync(store, store, Races);
    }
}
