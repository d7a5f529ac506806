// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Diagnostics;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Vm;
using KvmActors.Persistence;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Actors.Cluster;

/// <summary>Looks for dead peers, declares them dead, and claims their VMs: at once where this node ranks first for a
/// VM (<see cref="Rendezvous"/>), else after <see cref="ClusterNodeOptions.ClaimHeadStart"/>.</summary>
internal sealed class FailureActor(VmServices services, INodeDeathProbe probe, ActorRef host) : Actor
{
    private readonly VmClaims _claims = new(services, host);
    private PeerWatch _watch = PeerWatch.Empty;

    private sealed record Look;

    private sealed record Reconcile;

    public override ValueTask PreStartAsync()
    {
        Context.Timers.StartPeriodic(typeof(Look), new Look(), services.Options.WatchEvery);
        Context.Timers.StartPeriodic(typeof(Reconcile), new Reconcile(), services.Options.Lease);
        return ValueTask.CompletedTask;
    }

    public override async ValueTask ReceiveAsync(object message)
    {
        try
        {
            await (message switch
            {
                Look => LookAsync(Context.Stopping),
                Reconcile => ReconcileAsync(Context.Stopping),
                _ => throw new UnreachableException(message.GetType().Name),
            });
        }
        catch (StoreUnavailableException failure)
        {
            services.Observer.On(new ClusterEvent.StoreTrouble("watch over peers", failure.Message));
        }
    }

    private bool MayClaim => services.Gate.IsOpen && !services.Mode.IsDraining;

    private TimeSpan Now() => services.Clock.GetElapsedTime(0, services.Clock.GetTimestamp());

    private async Task LookAsync(CancellationToken stop)
    {
        IReadOnlyList<NodeRow> nodes = await services.Store.ListNodesAsync(stop);
        _watch = _watch.Look(nodes, services.Self, Now());
        bool someDied = false;
        foreach (NodeRow peer in nodes.Where(node => node.Id != services.Self && node.Status != NodeStatus.Dead))
        {
            someDied |= await DeclareIfDeadAsync(peer, stop);
        }

        if (someDied)
        {
            nodes = await services.Store.ListNodesAsync(stop);
            _watch = _watch.Look(nodes, services.Self, Now());
        }

        NodeRow[] dead = [.. nodes.Where(node => node.Status == NodeStatus.Dead && node.Id != services.Self)];
        if (dead.Length > 0 && MayClaim)
        {
            await ClaimFromAsync(dead, nodes, stop);
        }
    }

    private async Task ReconcileAsync(CancellationToken stop)
    {
        IReadOnlyList<StreamRow> all = await services.Store.ListAsync(stop);
        ImmutableArray<VmRows> owned =
        [
            .. all.GroupBy(row => row.Stream.Vm)
                .Select(VmRows.Of)
                .Where(rows => rows.Own.Owner == services.Self && rows.Own.State != StreamRowState.Quarantined),
        ];
        host.Tell(new VmHostMessage.Reconcile(owned), Context.Self, Lane.Control);
        VmRows[] unowned =
        [
            .. all.GroupBy(row => row.Stream.Vm)
                .Select(VmRows.Of)
                .Where(rows => rows.Own.Owner is null && rows.Own.State == StreamRowState.Owned),
        ];
        await ClaimReleasedAsync(unowned, stop);
    }

    /// <summary>Who is first gets a VM that came out of quarantine: nobody waits for it by the millisecond.</summary>
    private async Task ClaimReleasedAsync(VmRows[] unowned, CancellationToken stop)
    {
        if (unowned.Length == 0 || !MayClaim)
        {
            return;
        }

        IReadOnlyList<NodeRow> nodes = await services.Store.ListNodesAsync(stop);
        ImmutableArray<NodeRow> alive = [.. nodes.Where(node => node.Status == NodeStatus.Active)];
        foreach (VmRows rows in unowned)
        {
            await ClaimAsync(rows, owner: null, alive, isOpenToAll: true, stop);
        }
    }

    private async Task ClaimAsync(
        VmRows rows, NodeId? owner, ImmutableArray<NodeRow> alive, bool isOpenToAll, CancellationToken stop)
    {
        if (await _claims.TryAsync(rows, owner, alive, isOpenToAll, stop) is { } claimed)
        {
            host.Tell(claimed, Context.Self, Lane.Control);
        }
    }

    private async Task<bool> DeclareIfDeadAsync(NodeRow peer, CancellationToken stop)
    {
        DeathEvidence? evidence = probe.IsProvenDead(peer) ? DeathEvidence.FileLockHeld
            : _watch.MayBeExpired(peer.Id, Now(), services.Options.Lease, services.Options.DeathGrace)
                ? DeathEvidence.LeaseExpired
                : null;
        if (evidence is null
            || !await services.Store.DeclareDeadAsync(peer.Id, evidence.Value, services.Options.DeathGrace, stop))
        {
            return false;
        }

        services.Observer.On(new ClusterEvent.PeerDead(peer.Id, evidence.Value));
        return true;
    }

    private async Task ClaimFromAsync(NodeRow[] dead, IReadOnlyList<NodeRow> nodes, CancellationToken stop)
    {
        IReadOnlyList<StreamRow> all = await services.Store.ListAsync(stop);
        ImmutableArray<NodeRow> alive = [.. nodes.Where(node => node.Status == NodeStatus.Active)];
        foreach (IGrouping<VmId, StreamRow> vm in all.GroupBy(row => row.Stream.Vm))
        {
            var rows = VmRows.Of(vm);
            NodeRow? owner = dead.FirstOrDefault(node => node.Id == rows.Own.Owner);
            if (owner is null || rows.Own.State == StreamRowState.Quarantined)
            {
                continue;
            }

            bool isOpenToAll = _watch.KnownDeadFor(owner.Id, Now()) >= services.Options.ClaimHeadStart;
            await ClaimAsync(rows, owner.Id, alive, isOpenToAll, stop);
        }
    }
}
