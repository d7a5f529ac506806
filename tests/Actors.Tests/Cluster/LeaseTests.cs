// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence;
using KvmActors.Persistence.Membership;
using KvmActors.TestKit;
using Xunit;

namespace KvmActors.Actors.Tests.Cluster;

public sealed class LeaseTests
{
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_grace = TimeSpan.FromMilliseconds(500);
    private static readonly NodeId s_self = new("node-1#1");
    private static readonly NodeId s_peer = new("node-2#1");

    [Fact]
    public void The_gate_closes_before_the_lease_ends_counted_from_before_the_renewal_left()
    {
        VirtualTimeProvider time = new();
        LeaseGate gate = new(time);
        Assert.False(gate.IsOpen);
        long sentAt = time.GetTimestamp();
        time.Advance(TimeSpan.FromSeconds(1));

        gate.Renewed(sentAt, s_lease);

        Assert.True(gate.IsOpen);
        time.Advance(TimeSpan.FromSeconds(1.76));
        Assert.True(gate.IsOpen);
        time.Advance(TimeSpan.FromSeconds(0.02));
        Assert.False(gate.IsOpen);
    }

    [Fact]
    public void A_closed_gate_stays_closed_until_a_renewal()
    {
        VirtualTimeProvider time = new();
        LeaseGate gate = new(time);
        gate.Renewed(time.GetTimestamp(), s_lease);

        gate.Close();

        Assert.False(gate.IsOpen);
    }

    [Fact]
    public void A_lease_that_moves_is_alive_and_one_that_stands_still_may_be_expired()
    {
        PeerWatch watch = PeerWatch.Empty;
        for (int second = 0; second < 10; second++)
        {
            watch = watch.Look([Peer(leaseUntilMs: 1000 * second)], s_self, TimeSpan.FromSeconds(second));
            Assert.False(watch.MayBeExpired(s_peer, TimeSpan.FromSeconds(second), s_lease, s_grace));
        }

        watch = watch.Look([Peer(leaseUntilMs: 9000)], s_self, TimeSpan.FromSeconds(12));
        Assert.False(watch.MayBeExpired(s_peer, TimeSpan.FromSeconds(12.5), s_lease, s_grace));
        Assert.True(watch.MayBeExpired(s_peer, TimeSpan.FromSeconds(12.6), s_lease, s_grace));
    }

    [Fact]
    public void A_dead_peer_is_known_dead_since_it_was_first_seen_dead()
    {
        PeerWatch watch = PeerWatch.Empty
            .Look([Peer(1) with { Status = NodeStatus.Dead }], s_self, TimeSpan.FromSeconds(5))
            .Look([Peer(1) with { Status = NodeStatus.Dead }], s_self, TimeSpan.FromSeconds(6));

        Assert.Equal(TimeSpan.FromSeconds(2), watch.KnownDeadFor(s_peer, TimeSpan.FromSeconds(7)));
        Assert.Null(watch.Look([], s_self, TimeSpan.FromSeconds(8)).KnownDeadFor(s_peer, TimeSpan.FromSeconds(8)));
    }

    [Fact]
    public void Every_node_ranks_the_candidates_alike_and_each_comes_first_for_some_vm()
    {
        NodeId[] nodes = [new("node-1#1"), new("node-2#4"), new("node-3#2")];
        VmId[] vms = [.. Enumerable.Range(0, 200).Select(index => VmId.Parse($"vm-{index}"))];

        IEnumerable<IGrouping<NodeId, VmId>> byFirst = vms.GroupBy(vm => Rendezvous.Rank(vm, nodes)[0]);

        Assert.All(vms, vm => Assert.Equal<IEnumerable<NodeId>>(
            Rendezvous.Rank(vm, nodes), Rendezvous.Rank(vm, nodes.AsEnumerable().Reverse())));
        Assert.Equal(3, byFirst.Count());
        Assert.All(byFirst, group => Assert.InRange(group.Count(), 40, 100));
    }

    private static NodeRow Peer(long leaseUntilMs) => new(
        s_peer, "there:1", "boot", 1, HostVendor.Amd, NodeStatus.Active, leaseUntilMs, string.Empty);
}
