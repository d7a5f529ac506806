// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Persistence;

namespace KvmActors.Actors.Vm;

/// <summary>What the actors of one node share.</summary>
internal sealed record VmServices(
    NodeId Self,
    ClusterNodeOptions Options,
    IStore Store,
    FencedWriter Writer,
    TimeProvider Clock,
    LeaseGate Gate,
    IGuestFactory Guests,
    Func<VmId, ISliceRunner> Runners,
    INodeLink Link,
    IClusterObserver Observer,
    StatusBoard Board,
    NodeMode Mode);
