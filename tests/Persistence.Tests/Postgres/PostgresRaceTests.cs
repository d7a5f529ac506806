// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.InMemory;
using KvmActors.Persistence.Postgres;
using KvmActors.Persistence.Tests.Stores;

namespace KvmActors.Persistence.Tests.Postgres;

/// <summary>Races and random requests on a real server.</summary>
[Collection(PostgresTests.Name)]
public sealed class PostgresRaceTests(PostgresFixture postgres)
{
    private const int Races = 100;

    [PostgresTheory]
    [MemberData(nameof(StoreDifferenceTests.Seeds), MemberType = typeof(StoreDifferenceTests))]
    public async Task Postgres_and_memory_answer_alike(int seed)
    {
        StoreDifference difference = new();
        await using var memory = new InMemoryStore(difference.Clock);
        await using PostgresStore store = await PostgresStore.OpenAsync(
            postgres.NewAddress(),
            new PostgresStoreOptions { Clock = difference.Clock, ClockName = InMemoryStore.BootId });

        await difference.CompareAsync(memory, store, "postgres", seed);
    }

    [PostgresFact]
    public async Task No_acknowledged_append_is_lost_between_two_nodes()
    {
        PostgresAddress address = postgres.NewAddress();
        PostgresStoreOptions options = new() { CommitTimeout = TimeSpan.FromMinutes(1) };
        await using PostgresStore owner = await PostgresStore.OpenAsync(address, options);
        await using PostgresStore heir = await PostgresStore.OpenAsync(address, options);

        await TakeoverRace.RunAsync(owner, heir, Races);
    }
}
