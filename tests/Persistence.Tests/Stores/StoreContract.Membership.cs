// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Persistence.Tests.Stores;

public abstract partial class StoreContract
{
    private static readonly TimeSpan s_grace = TimeSpan.FromMilliseconds(500);

    [StoreFact]
    public async Task A_node_that_joins_is_listed_as_it_registered()
    {
        NodeId id = await JoinAsync("node-1");

        NodeRow row = Assert.Single(await Store.ListNodesAsync(default));

        NodeRegistration given = Registration("node-1");
        Assert.Equal("node-1#1", id.Value);
        Assert.Equal(
            new NodeRow(
                id,
                given.Endpoint,
                row.BootId,
                given.ProcessId,
                given.HostVendor,
                NodeStatus.Active,
                Clock.GetTimestamp() + (long)s_lease.TotalMilliseconds,
                given.CpuidTable),
            row);
    }

    [StoreFact]
    public async Task A_lease_ends_on_the_clock_that_the_store_tells()
    {
        await JoinAsync("node-1");

        long now = await Store.ReadLeaseClockAsync(default);

        Assert.Equal(
            now + (long)s_lease.TotalMilliseconds, Assert.Single(await Store.ListNodesAsync(default)).LeaseUntilMs);
    }

    [StoreFact]
    public async Task A_live_namesake_is_refused()
    {
        NodeId first = await JoinAsync("node-1");
        Clock.Advance(s_lease);

        RegisterResult second = await Store.RegisterAsync(Registration("node-1"), default);

        Assert.Equal(first, Assert.IsType<RegisterResult.NameTaken>(second).Holder.Id);
    }

    [StoreFact]
    public async Task An_expired_namesake_is_replaced_and_its_id_never_used_again()
    {
        NodeId first = await JoinAsync("node-1");
        Clock.Advance(s_lease + TimeSpan.FromMilliseconds(1));

        NodeId second = await JoinAsync("node-1");
        await Store.LeaveAsync(second, default);
        NodeId third = await JoinAsync("node-1");

        Assert.Equal(["node-1#1", "node-1#2", "node-1#3"], new[] { first, second, third }.Select(id => id.Value));
        Assert.False(await Store.RenewAsync(first, s_lease, default));
        Assert.False(await Store.RenewAsync(second, s_lease, default));
        Assert.True(await Store.RenewAsync(third, s_lease, default));
    }

    [StoreFact]
    public async Task A_renewed_lease_keeps_a_node_alive()
    {
        NodeId node = await JoinAsync("node-1");
        for (int i = 0; i < 8; i++)
        {
            Clock.Advance(s_lease / 4);
            Assert.True(await Store.RenewAsync(node, s_lease, default));
        }

        Assert.False(await Store.DeclareDeadAsync(node, DeathEvidence.LeaseExpired, s_grace, default));
    }

    [StoreFact]
    public async Task A_node_is_dead_once_its_lease_and_the_grace_are_over()
    {
        (NodeId quiet, NodeId steady) = (await JoinAsync("quiet"), await JoinAsync("steady"));
        await BeatAsync(steady, s_lease + s_grace);
        Assert.False(await Store.DeclareDeadAsync(quiet, DeathEvidence.LeaseExpired, s_grace, default));

        await BeatAsync(steady, TimeSpan.FromMilliseconds(1));

        Assert.True(await Store.DeclareDeadAsync(quiet, DeathEvidence.LeaseExpired, s_grace, default));
        Assert.True(await Store.DeclareDeadAsync(quiet, DeathEvidence.LeaseExpired, s_grace, default));
        Assert.False(await Store.RenewAsync(quiet, s_lease, default));
        Assert.Equal(steady, Assert.Single(await Store.ListNodesAsync(default)).Id);
    }

    [StoreFact]
    public async Task After_an_outage_of_the_store_everybody_has_a_whole_lease_to_renew()
    {
        (NodeId first, NodeId second) = (await JoinAsync("node-1"), await JoinAsync("node-2"));
        await BeatAsync(first, s_lease / 4);
        Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.True(await Store.RenewAsync(first, s_lease, default));

        Assert.False(await Store.DeclareDeadAsync(second, DeathEvidence.LeaseExpired, s_grace, default));
        await BeatAsync(first, s_lease - TimeSpan.FromMilliseconds(1));
        Assert.False(await Store.DeclareDeadAsync(second, DeathEvidence.LeaseExpired, s_grace, default));
        await BeatAsync(first, TimeSpan.FromMilliseconds(1));

        Assert.True(await Store.DeclareDeadAsync(second, DeathEvidence.LeaseExpired, s_grace, default));
    }

    [StoreFact]
    public async Task An_outage_that_no_renewal_has_ended_yet_proves_nobodys_death()
    {
        (NodeId first, NodeId second) = (await JoinAsync("node-1"), await JoinAsync("node-2"));
        await BeatAsync(first, s_lease + s_lease);
        Assert.True(await Store.RenewAsync(second, s_lease, default));
        Clock.Advance(s_lease + s_grace + s_grace);

        Assert.False(await Store.DeclareDeadAsync(second, DeathEvidence.LeaseExpired, s_grace, default));
        Assert.True(await Store.RenewAsync(second, s_lease, default));
    }

    [StoreFact]
    public async Task Proof_that_the_process_is_gone_needs_no_waiting()
    {
        NodeId node = await JoinAsync("node-1");

        Assert.True(await Store.DeclareDeadAsync(node, DeathEvidence.FileLockHeld, s_grace, default));
        Assert.Empty(await Store.ListNodesAsync(default));
    }

    [StoreFact]
    public async Task A_dead_node_is_listed_as_long_as_it_owns_a_stream()
    {
        (NodeId dead, NodeId heir) = (await JoinAsync("node-1"), await JoinAsync("node-2"));
        (StreamRow vm, StreamRow vcpu) = await CreateVmAsync(dead);
        await Store.DeclareDeadAsync(dead, DeathEvidence.FileLockHeld, s_grace, default);
        Assert.Equal(
            [(dead, NodeStatus.Dead), (heir, NodeStatus.Active)],
            (await Store.ListNodesAsync(default)).Select(node => (node.Id, node.Status)));

        Assert.IsType<CommitResult.Committed>(await CommitAsync(Takeover(heir, dead, vm, vcpu)));

        Assert.Equal([heir], (await Store.ListNodesAsync(default)).Select(node => node.Id));
    }

    [StoreFact]
    public async Task A_stream_of_a_node_that_is_not_dead_cannot_be_taken()
    {
        (NodeId owner, NodeId claimant) = (await JoinAsync("node-1"), await JoinAsync("node-2"));
        (StreamRow vm, StreamRow vcpu) = await CreateVmAsync(owner);

        CommitResult result = await CommitAsync(Takeover(claimant, owner, vm, vcpu));

        Assert.Contains("node-1#1", Assert.IsType<CommitResult.ClaimRefused>(result).Reason, StringComparison.Ordinal);
        Assert.Equal(vm, await Store.FindAsync(s_vm.Stream, default));
    }

    [StoreFact]
    public async Task Nobody_claims_with_an_expired_lease_or_while_leaving()
    {
        (NodeId owner, NodeId claimant) = (await JoinAsync("node-1"), await JoinAsync("node-2"));
        (StreamRow vm, StreamRow vcpu) = await CreateVmAsync(owner);
        await Store.DeclareDeadAsync(owner, DeathEvidence.FileLockHeld, s_grace, default);
        StoreTransaction claim = Takeover(claimant, owner, vm, vcpu);

        Clock.Advance(s_lease + TimeSpan.FromMilliseconds(1));
        Assert.IsType<CommitResult.ClaimRefused>(await CommitAsync(claim));
        await Store.RenewAsync(claimant, s_lease, default);
        await Store.DrainAsync(claimant, default);
        Assert.IsType<CommitResult.ClaimRefused>(await CommitAsync(claim));
        NodeId other = await JoinAsync("node-3");

        Assert.IsType<CommitResult.Committed>(await CommitAsync(Takeover(other, owner, vm, vcpu)));
    }

    [StoreFact]
    public async Task Of_two_claimants_one_wins_and_the_other_is_fenced()
    {
        (NodeId owner, NodeId first, NodeId second) =
            (await JoinAsync("node-1"), await JoinAsync("node-2"), await JoinAsync("node-3"));
        (StreamRow vm, StreamRow vcpu) = await CreateVmAsync(owner);
        await Store.DeclareDeadAsync(owner, DeathEvidence.FileLockHeld, s_grace, default);

        CommitResult one = await CommitAsync(Takeover(first, owner, vm, vcpu));
        CommitResult two = await CommitAsync(Takeover(second, owner, vm, vcpu));

        Assert.IsType<CommitResult.Committed>(one);
        Assert.Equal(first, Assert.IsType<CommitResult.Fenced>(two).Current.Owner);
    }

    [StoreFact]
    public async Task A_stream_without_an_owner_may_be_claimed()
    {
        NodeId owner = await JoinAsync("node-1");
        (StreamRow vm, _) = await CreateVmAsync(owner);
        StreamRow free = vm with { Owner = null };
        await CommitAsync(new StoreTransaction(s_vm, [new StreamWrite(vm, free, [])]));

        Assert.IsType<CommitResult.Committed>(await CommitAsync(Takeover(owner, dead: null, free)));
    }

    [StoreFact]
    public async Task A_draining_node_still_renews_and_appends()
    {
        NodeId node = await JoinAsync("node-1");
        (StreamRow vm, _) = await CreateVmAsync(node);

        Assert.True(await Store.DrainAsync(node, default));

        Assert.True(await Store.RenewAsync(node, s_lease, default));
        Assert.IsType<CommitResult.Committed>(await CommitAsync(Append(vm, "still here")));
        Assert.Equal(NodeStatus.Draining, Assert.Single(await Store.ListNodesAsync(default)).Status);
        await Store.LeaveAsync(node, default);
        Assert.False(await Store.DrainAsync(node, default));
    }

    [StoreFact]
    public async Task An_unknown_node_renews_nothing()
    {
        NodeId unknown = new("nobody#1");

        Assert.False(await Store.RenewAsync(unknown, s_lease, default));
        Assert.False(await Store.DrainAsync(unknown, default));
        Assert.False(await Store.DeclareDeadAsync(unknown, DeathEvidence.FileLockHeld, s_grace, default));
        await Store.LeaveAsync(unknown, default);
        Assert.Empty(await Store.ListNodesAsync(default));
    }

    /// <summary>Lets time pass while one node renews as it should.</summary>
    private async Task BeatAsync(NodeId node, TimeSpan time)
    {
        for (TimeSpan passed = TimeSpan.Zero; passed < time;)
        {
            TimeSpan step = time - passed < s_lease / 4 ? time - passed : s_lease / 4;
            Clock.Advance(step);
            passed += step;
            Assert.True(await Store.RenewAsync(node, s_lease, default));
        }
    }
}
