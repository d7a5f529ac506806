// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Persistence.InMemory;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Postgres;
using KvmActors.Persistence.Tests.Processes;
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

    [PostgresFact]
    public async Task No_append_that_another_process_had_acknowledged_is_lost_when_its_vm_is_taken_over()
    {
        PostgresAddress address = postgres.NewAddress();
        await using PostgresStore store = await PostgresStore.OpenAsync(address, new PostgresStoreOptions());
        NodeId owner = await TakeoverRace.JoinAsync(store, "owner");
        NodeId heir = await TakeoverRace.JoinAsync(store, "heir");
        await store.DeclareDeadAsync(owner, DeathEvidence.FileLockHeld, TimeSpan.Zero, default);
        var vm = VmId.Parse("web");
        using ChildProcess child = await ChildProcess.StartAsync(
            ChildProgram.Append, postgres.Text(address), vm.Value, owner.Value);
        ulong acknowledged = 0;
        while (acknowledged < 50)
        {
            acknowledged = ulong.Parse((await child.ReadLineAsync())!, CultureInfo.InvariantCulture);
        }

        StreamRow taken = await TakeoverRace.TakeOverAsync(store, vm, owner, heir);
        while (await child.ReadLineAsync() is { } line)
        {
            acknowledged = ulong.Parse(line, CultureInfo.InvariantCulture);
        }

        Assert.Equal(taken.HeadSeq, acknowledged);
        Assert.Equal(taken, await store.FindAsync(vm.Stream, default));
        Assert.Null(await JournalVerifier.CheckAsync(store, vm.Stream, default));
    }
}
