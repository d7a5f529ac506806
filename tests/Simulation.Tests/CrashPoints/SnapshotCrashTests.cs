// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;
using KvmActors.TestKit.Simulation;
using KvmActors.TestKit.Simulation.Traps;
using Xunit;

namespace KvmActors.Simulation.Tests.CrashPoints;

/// <summary>An owner dies, or is deposed, while it takes a snapshot: crash points S1 and S2.</summary>
public sealed class SnapshotCrashTests
{
    [Theory]
    [InlineData("Put", CallStage.Arriving)]
    [InlineData("Put", CallStage.Done)]
    [InlineData(StoreMoment.Commit, CallStage.Leaving)]
    [InlineData(StoreMoment.Commit, CallStage.Done)]
    public void S1_an_owner_that_dies_over_a_snapshot_leaves_all_of_it_or_none(string call, CallStage stage) =>
        Scene.Play(async scene =>
        {
            int before = (await SnapshotsAsync(scene)).Count;
            Trap trap = scene.Cluster.Traps.SetForStore(moment => moment.Stage == stage
                && moment.Call == call
                && moment.Node == "node-1"
                && (call == "Put" || moment.Transaction!.Snapshot is not null)).Then(scene.One.Kill);
            await trap.Struck;
            await scene.PassAsync(TimeSpan.FromMilliseconds(10));

            bool landed = call == StoreMoment.Commit && stage == CallStage.Done;
            Assert.Equal(landed ? before + 1 : before, (await SnapshotsAsync(scene)).Count);
            SimulatedNode next = await scene.RunsUnderAsync(epoch: 2);
            await scene.EndsWellAsync(next, epoch: 2);
        });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void S1_a_snapshot_that_cannot_be_read_costs_a_longer_replay_and_nothing_else(bool hasAnOlderOne) =>
        Scene.Play(async scene =>
        {
            await scene.UntilSnapshotAsync(id: 2);
            SnapshotSummary[] all = [.. await SnapshotsAsync(scene)];
            foreach (SnapshotSummary snapshot in hasAnOlderOne ? all[^1..] : all[1..])
            {
                scene.Cluster.DamageSnapshot(Scene.Vm, snapshot.Id);
            }

            scene.One.Kill();

            SimulatedNode next = await scene.RunsUnderAsync(epoch: 2);
            await scene.EndsWellAsync(next, epoch: 2);
        });

    [Fact]
    public void S1_a_vm_without_any_snapshot_that_can_be_read_is_quarantined_and_keeps_no_other_one_waiting() =>
        Scene.Play(async scene =>
        {
            var broken = VmId.Parse("broken");
            await scene.CreateAsync(broken);
            foreach (SnapshotSummary snapshot in
                await scene.Cluster.Store.ListSnapshotsAsync(broken, CancellationToken.None))
            {
                scene.Cluster.DamageSnapshot(broken, snapshot.Id);
            }

            scene.One.Kill();

            SimulatedNode next = await scene.RunsUnderAsync(epoch: 2);
            await scene.UntilAsync(
                () => scene.Cluster.Ledger.Row(broken.Stream)!.State == StreamRowState.Quarantined, "a quarantine");
            await scene.EndsWellAsync(next, epoch: 2);
        });

    [Fact]
    public void S2_a_snapshot_of_an_owner_that_was_deposed_meanwhile_is_not_stored() => Scene.Play(async scene =>
    {
        ulong id = 0;
        Trap trap = scene.Cluster.Traps.SetForStore(moment =>
        {
            bool isIt = moment is { Stage: CallStage.Leaving, Node: "node-1", Transaction.Snapshot: not null };
            id = isIt ? moment.Transaction!.Snapshot!.Id : id;
            return isIt;
        }).Then(scene.One.Freeze);
        await trap.Struck;
        SimulatedNode next = await scene.RunsUnderAsync(epoch: 2);

        scene.One.Thaw();

        await scene.UntilAsync(() => !scene.One.IsAlive, "the old owner to hear that it is dead");
        await scene.EndsWellAsync(next, epoch: 2);
        SnapshotRecord? stored = await scene.Cluster.Store.FindByIdAsync(Scene.Vm, id, CancellationToken.None);
        Assert.True(stored is null || stored.Epoch.Value == 2, $"Found {stored}.");
    });

    private static async Task<IReadOnlyList<SnapshotSummary>> SnapshotsAsync(Scene scene) =>
        await scene.Cluster.Store.ListSnapshotsAsync(Scene.Vm, CancellationToken.None);
}
