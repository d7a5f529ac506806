// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using KvmActors.Actors.Vm;
using KvmActors.Persistence;

namespace KvmActors.Actors.Cluster;

/// <summary>What a node takes from outside, so that a whole cluster can run on one seeded thread.</summary>
/// <param name="Store">Shared by the cluster. Not disposed of by the node.</param>
/// <param name="Runners">A runner for the slices of one VM. Disposed of with the VM if it can be.</param>
public sealed record ClusterNodeServices(
    IStore Store,
    TimeProvider Clock,
    TaskScheduler Executor,
    INodeLink Link,
    Func<VmId, ISliceRunner> Runners,
    IGuestFactory Guests,
    INodeDeathProbe DeathProbe,
    IClusterObserver Observer,
    IKernelObserver? KernelObserver = null)
{
    /// <summary>See <see cref="ActorSystemOptions.MessagesPerTurn"/>. 1 in a simulation.</summary>
    public int MessagesPerTurn { get; init; } = ActorSystemOptions.MessagesPerTurnDefault;

    /// <summary>The node's lease by its own clock; made by the node where it is given none.</summary>
    public LeaseGate? Gate { get; init; }
}
