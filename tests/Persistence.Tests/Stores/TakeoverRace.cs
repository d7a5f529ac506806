// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Persistence.Tests.Stores;

/// <summary>A deposed owner's appends against a takeover: the race of which a fence by SELECT loses most. "Lost" is an
/// append that was acknowledged and is not in what the new owner took over.</summary>
internal static class TakeoverRace
{
    private const int AppendsMax = 500;

    internal static async Task RunAsync(IStore ownersStore, IStore heirsStore, int races)
    {
        NodeId owner = await JoinAsync(ownersStore, "owner");
        NodeId heir = await JoinAsync(heirsStore, "heir");
        await heirsStore.DeclareDeadAsync(owner, DeathEvidence.FileLockHeld, TimeSpan.Zero, default);
        int contested = 0;
        for (int race = 0; race < races; race++)
        {
            var vm = VmId.Parse($"vm-{race}");
            StreamWrite creation = StreamWriteBuilder
                .Create(vm.Stream, owner).Add(0, new JournalEvent.VcpuCreated(0)).Build();
            await ownersStore.CommitAsync(new StoreTransaction(vm, [creation]), default);

            // The claim starts among the appends, at another one each time.
            var met = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            ulong meetAt = (ulong)(race % 5) + 1;
            Task<StreamRow> appending = Task.Run(() => AppendUntilFencedAsync(ownersStore, creation.Next, meetAt, met));
            Task<StreamRow> taking = Task.Run(async () =>
            {
                await met.Task;
                return await TakeOverAsync(heirsStore, vm, owner, heir);
            });
            StreamRow acknowledged = await appending;
            StreamRow taken = await taking;

            Assert.True(
                taken.HeadSeq == acknowledged.HeadSeq && taken.HeadHash == acknowledged.HeadHash,
                $"race {race}: acknowledged up to {acknowledged.HeadSeq}, taken over at {taken.HeadSeq}");
            Assert.Null(await JournalVerifier.CheckAsync(heirsStore, vm.Stream, default));
            contested += acknowledged.HeadSeq <= AppendsMax ? 1 : 0;
        }

        Assert.True(contested > races / 10, $"Only {contested} takeovers met an append: the race was not run.");
    }

    /// <returns>The row after the last append that was acknowledged.</returns>
    private static async Task<StreamRow> AppendUntilFencedAsync(
        IStore store, StreamRow row, ulong meetAt, TaskCompletionSource met)
    {
        for (int i = 0; i < AppendsMax; i++)
        {
            if (row.HeadSeq == meetAt)
            {
                met.SetResult();
            }

            StreamWrite write = new StreamWriteBuilder(row).Add(row.HeadSeq, new JournalEvent.VcpuCreated(i)).Build();
            CommitResult result = await store.CommitAsync(new StoreTransaction(row.Stream.Vm, [write]), default);
            if (result is not CommitResult.Committed)
            {
                Assert.IsType<CommitResult.Fenced>(result);
                return row;
            }

            row = write.Next;
        }

        return row;
    }

    /// <returns>The row that was taken over, with its head.</returns>
    internal static async Task<StreamRow> TakeOverAsync(IStore store, VmId vm, NodeId owner, NodeId heir)
    {
        StreamRow row = (await store.FindAsync(vm.Stream, default))!;
        while (true)
        {
            StreamWrite write = new StreamWriteBuilder(row).MoveTo(heir).Build();
            CommitResult result = await store.CommitAsync(
                new StoreTransaction(vm, [write], new TakeoverClaim(heir, owner)), default);
            if (result is CommitResult.Committed)
            {
                return write.Next;
            }

            // The old owner appended meanwhile: the claim is made again, on the head it left.
            row = Assert.IsType<CommitResult.Mismatch>(result).Current;
        }
    }

    internal static async Task<NodeId> JoinAsync(IStore store, string name)
    {
        RegisterResult result = await store.RegisterAsync(
            new NodeRegistration(name, "127.0.0.1:1", 1, HostVendor.Intel, TimeSpan.FromHours(1), "{}"), default);
        return Assert.IsType<RegisterResult.Registered>(result).Id;
    }
}
