// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Membership;

/// <summary>Who is in the cluster, by leases in the store.</summary>
public interface IMembership
{
    /// <summary>Adds a node with a new id and a fresh lease. A live node of the same name is refused; a dead or expired
    /// predecessor is declared dead in the same transaction.</summary>
    ValueTask<RegisterResult> RegisterAsync(NodeRegistration node, CancellationToken cancellationToken);

    /// <summary>Extends the lease to now + <paramref name="lease"/>.</summary>
    /// <returns>False where the node was declared dead: it must stop at once.</returns>
    ValueTask<bool> RenewAsync(NodeId node, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>Marks a node as leaving: it still owns and appends, but may claim nothing and should be given
    /// nothing.</summary>
    /// <returns>False where the node is dead or unknown.</returns>
    ValueTask<bool> DrainAsync(NodeId node, CancellationToken cancellationToken);

    /// <summary>Declares a node dead, if its lease ran out more than <paramref name="grace"/> ago, or if
    /// <paramref name="evidence"/> proves that its process is gone.</summary>
    /// <returns>True where the node is dead now, by this call or an earlier one.</returns>
    ValueTask<bool> DeclareDeadAsync(
        NodeId node, DeathEvidence evidence, TimeSpan grace, CancellationToken cancellationToken);

    /// <summary>Takes a node out in an orderly way, once it owns nothing.</summary>
    ValueTask LeaveAsync(NodeId node, CancellationToken cancellationToken);

    /// <returns>All lives of all nodes that are not dead, and those dead ones that still own a stream.</returns>
    ValueTask<IReadOnlyList<NodeRow>> ListNodesAsync(CancellationToken cancellationToken);

    /// <returns>Now, on the clock that <see cref="NodeRow.LeaseUntilMs"/> is on.</returns>
    ValueTask<long> ReadLeaseClockAsync(CancellationToken cancellationToken);
}

/// <summary>What a node says of itself when it joins.</summary>
public sealed record NodeRegistration(
    string Name,
    string Endpoint,
    int ProcessId,
    Cpu.Hypercalls.HostVendor HostVendor,
    TimeSpan Lease,
    string CpuidTable);

public abstract record RegisterResult
{
    private RegisterResult()
    {
    }

    public sealed record Registered(NodeId Id) : RegisterResult;

    public sealed record NameTaken(NodeRow Holder) : RegisterResult;
}

/// <summary>Why a node is held to be dead.</summary>
public enum DeathEvidence
{
    /// <summary>Only the lease in the store.</summary>
    LeaseExpired = 1,

    /// <summary>The caller holds the file lock that the node's process held: the process is gone.</summary>
    FileLockHeld = 2,
}
