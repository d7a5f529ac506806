// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.TestKit.Simulation;

/// <summary>One node's way to the shared store: what takes effect is shown to the invariants and entered in the ledger,
/// in this node's name, in the same step.</summary>
internal sealed class LedgerStore(IStore inner, SimulatedCluster cluster) : DelegatingStore(inner)
{
    private NodeId? _self;

    public override async ValueTask<CommitResult> CommitAsync(
        StoreTransaction transaction, CancellationToken cancellationToken)
    {
        CommitResult result = await Inner.CommitAsync(transaction, cancellationToken);
        if (result is CommitResult.Committed)
        {
            cluster.Invariants.Committed(_self, transaction);
            cluster.Ledger.Enter(transaction);
        }

        return result;
    }

    public override async ValueTask<CommitResult> DeleteAsync(
        IReadOnlyList<StreamRow> rows, DedupEntry reply, CancellationToken cancellationToken)
    {
        CommitResult result = await Inner.DeleteAsync(rows, reply, cancellationToken);
        if (result is CommitResult.Committed)
        {
            cluster.Invariants.Deleted(rows[0].Stream.Vm, reply.Command);
            cluster.Ledger.Delete(rows, reply.Command);
            cluster.ForgetOutput(rows[0].Stream.Vm);
        }

        return result;
    }

    public override async ValueTask<RegisterResult> RegisterAsync(
        NodeRegistration node, CancellationToken cancellationToken)
    {
        RegisterResult result = await Inner.RegisterAsync(node, cancellationToken);
        if (result is RegisterResult.Registered registered)
        {
            _self = registered.Id;
            cluster.Invariants.Joined(registered.Id);
            foreach (NodeId namesake in cluster.Ledger.AliveNamesakes(registered.Id))
            {
                cluster.Invariants.Died(namesake, evidence: null);
                cluster.Ledger.Died(namesake);
            }

            cluster.Ledger.Renewed(registered.Id, node.Lease, cluster.World.Time.Elapsed);
        }

        return result;
    }

    public override async ValueTask<bool> RenewAsync(
        NodeId node, TimeSpan lease, CancellationToken cancellationToken)
    {
        bool isAlive = await Inner.RenewAsync(node, lease, cancellationToken);
        if (isAlive)
        {
            cluster.Invariants.Renewed(node);
            cluster.Ledger.Renewed(node, lease, cluster.World.Time.Elapsed);
        }

        return isAlive;
    }

    public override async ValueTask<bool> DeclareDeadAsync(
        NodeId node, DeathEvidence evidence, TimeSpan grace, CancellationToken cancellationToken)
    {
        bool isDead = await Inner.DeclareDeadAsync(node, evidence, grace, cancellationToken);
        if (isDead && !cluster.Ledger.IsDead(node))
        {
            cluster.Invariants.Died(node, evidence);
            cluster.Ledger.Died(node);
        }

        return isDead;
    }

    public override async ValueTask LeaveAsync(NodeId node, CancellationToken cancellationToken)
    {
        await Inner.LeaveAsync(node, cancellationToken);
        cluster.Ledger.Died(node);
    }

    public override async ValueTask<SnapshotRecord?> FindAsync(
        VmId vm, ulong vmTime, CancellationToken cancellationToken) =>
        Whole(await Inner.FindAsync(vm, vmTime, cancellationToken));

    public override async ValueTask<SnapshotRecord?> FindByIdAsync(
        VmId vm, ulong id, CancellationToken cancellationToken) =>
        Whole(await Inner.FindByIdAsync(vm, id, cancellationToken));

    private SnapshotRecord? Whole(SnapshotRecord? snapshot) =>
        snapshot is not null && cluster.DamagedSnapshots.Contains((snapshot.Vm, snapshot.Id))
            ? throw new StoreCorruptException(
                $"Snapshot {snapshot.Id} of {snapshot.Vm}: expected another checksum. (simulated)")
            : snapshot;
}
