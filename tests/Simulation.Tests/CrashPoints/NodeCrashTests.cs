// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Membership;
using KvmActors.TestKit.Simulation;
using KvmActors.TestKit.Simulation.Traps;
using Xunit;

namespace KvmActors.Simulation.Tests.CrashPoints;

/// <summary>A node dies, stands still, is cut off from the store, or claims beside another one: crash points N1 to N7.
/// </summary>
public sealed class NodeCrashTests
{
    private static readonly SceneSetup s_leasesOnly = new() { HasFileLocks = false };

    [Fact]
    public void N1_a_node_that_dies_right_behind_its_joining_row_expires_and_its_name_is_free_again() =>
        Scene.Play(
            async scene =>
            {
                scene.Three.Kill();
                Trap trap = scene.AtStore(scene.Three, "Register", CallStage.Done).Then(scene.Three.Kill);
                await scene.PassAsync(TimeSpan.FromSeconds(5));
                await scene.Three.StartAsync();
                Assert.True(trap.HasSprung);

                await scene.Three.StartAsync();

                Assert.Equal("node-3#3", scene.Three.Node.Id.Value);
                NodeRow row = Assert.Single(
                    await scene.Cluster.Store.ListNodesAsync(CancellationToken.None),
                    node => node.Id.Name == "node-3");
                Assert.Equal(("node-3#3", NodeStatus.Active), (row.Id.Value, row.Status));
                await scene.EndsWellAsync(scene.One, epoch: 1);
            },
            s_leasesOnly);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void N2_a_killed_owner_is_taken_over_with_all_that_was_acknowledged(bool hasFileLocks) =>
        Scene.Play(
            async scene =>
            {
                for (int input = 0; input < 3; input++)
                {
                    Assert.IsType<ControlReply.Done>(await scene.TypeAsync(scene.Two, scene.NextCommand()));
                }

                TimeSpan killed = scene.World.Time.Elapsed;
                scene.One.Kill();

                SimulatedNode next = await scene.RunsUnderAsync(epoch: 2);
                TimeSpan took = scene.World.Time.Elapsed - killed;
                Assert.True(hasFileLocks == took < TimeSpan.FromSeconds(2), $"It took {took}.");
                await scene.EndsWellAsync(next, epoch: 2);
            },
            new SceneSetup { HasFileLocks = hasFileLocks });

    [Fact]
    public void N3_an_owner_that_was_stopped_for_longer_than_its_lease_wakes_behind_a_closed_gate() =>
        Scene.Play(async scene =>
        {
            NodeId old = scene.One.Node.Id;
            scene.One.Freeze();
            Task<ControlReply> shown = Scene.ShowAsync(scene.One);
            Task<ControlReply> typed = scene.TypeAsync(scene.One, scene.NextCommand());
            Task<ControlReply> read = Scene.ReadAsync(scene.One, offset: 0);
            SimulatedNode next = await scene.RunsUnderAsync(epoch: 2);
            int records = Written(scene, old);

            scene.One.Thaw();

            await scene.UntilAsync(() => !scene.One.IsAlive, "the old owner to hear that it is dead");
            Assert.False(await shown is ControlReply.Shown { Status.Epoch: { Value: 1 } });
            Assert.IsNotType<ControlReply.Done>(await typed);
            Assert.IsNotType<ControlReply.ConsoleRead>(await read);
            Assert.Equal(records, Written(scene, old));
            await scene.EndsWellAsync(next, epoch: 2);
        });

    [Fact]
    public void N4_an_owner_cut_off_from_the_store_alone_stops_its_guest_before_others_may_start_it() =>
        Scene.Play(async scene =>
        {
            NodeId old = scene.One.Node.Id;
            scene.One.IsStoreOut = true;

            SimulatedNode next = await scene.RunsUnderAsync(epoch: 2);

            ClusterIncident lost = Assert.Single(
                scene.Cluster.Events, incident => incident.Event is ClusterEvent.LeaseLost { Node: var node }
                    && node == old);
            ClusterIncident dead = scene.Cluster.Events.First(
                incident => incident.Event is ClusterEvent.PeerDead { Evidence: DeathEvidence.LeaseExpired });
            Assert.True(lost.At < dead.At, $"The guest stood still at {lost.At}, and was claimed from {dead.At} on.");
            Assert.IsNotType<ControlReply.Done>(await scene.TypeAsync(scene.One, scene.NextCommand()));
            scene.One.IsStoreOut = false;
            await scene.EndsWellAsync(next, epoch: 2);
        });

    [Fact]
    public void N5_when_the_declarer_dies_before_it_claims_any_other_node_goes_on() => Scene.Play(async scene =>
    {
        SimulatedNode? declarer = null;
        Trap trap = scene.Cluster.Traps.SetForStore(moment =>
        {
            bool isIt = moment is { Call: "DeclareDead", Stage: CallStage.Done };
            declarer = isIt ? scene.Cluster[moment.Node] : declarer;
            return isIt;
        }).Then(() => declarer!.Kill());

        scene.One.Kill();

        await trap.Struck;
        Assert.Equal(1UL, scene.Row.Epoch.Value);
        SimulatedNode next = await scene.RunsUnderAsync(epoch: 2);
        Assert.NotSame(declarer, next);
        await scene.EndsWellAsync(next, epoch: 2);
    });

    [Fact]
    public void N6_when_the_claimant_dies_before_it_rebuilds_the_next_one_claims_and_nothing_is_lost() =>
        Scene.Play(async scene =>
        {
            Assert.IsType<ControlReply.Done>(await scene.TypeAsync(scene.Two, scene.NextCommand()));
            SimulatedNode? claimant = null;
            Trap trap = scene.AtClaim(node: null, CallStage.Done).Then(() =>
            {
                claimant = scene.Cluster[scene.Row.Owner!.Value.Name];
                claimant.Kill();
            });

            scene.One.Kill();

            await trap.Struck;
            SimulatedNode next = await scene.RunsUnderAsync(epoch: 3);
            Assert.NotSame(claimant, next);
            await scene.EndsWellAsync(next, epoch: 3);
        });

    [Fact]
    public void N7_of_two_claimants_one_wins_and_the_other_runs_nothing() => Scene.Play(
        async scene =>
        {
            Trap two = scene.AtClaim(scene.Two, CallStage.Arriving).Hold();
            Trap three = scene.AtClaim(scene.Three, CallStage.Arriving).Hold();
            scene.One.Kill();
            await two.Struck;
            await three.Struck;

            (Trap first, Trap second) = scene.World.Seed % 2 == 0 ? (two, three) : (three, two);
            first.Release();
            second.Release();

            SimulatedNode next = await scene.RunsUnderAsync(epoch: 2);
            Assert.Single(scene.Cluster.Events, incident => incident.Event is ClusterEvent.VmClaimed);
            await scene.EndsWellAsync(next, epoch: 2);
        },
        new SceneSetup { Configure = static options => options with { ClaimHeadStart = TimeSpan.Zero } });

    private static int Written(Scene scene, NodeId node)
    {
        var placed = scene.Cluster.Ledger.Records(Scene.Vm.Stream)
            .Where(record => record.Kind == EventKind.Placed)
            .Select(record => (JournalEvent.Placed)EventCodec.Decode(record))
            .Where(placed => placed.Node == node)
            .Select(placed => placed.Epoch)
            .ToHashSet();
        return scene.Cluster.Ledger.Records(Scene.Vm.Stream).Count(record => placed.Contains(record.Epoch));
    }
}
