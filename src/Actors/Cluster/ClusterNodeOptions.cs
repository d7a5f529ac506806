// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Migration;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Cluster;

/// <summary>What one node is told by its configuration. Defaults are those of <c>reference.conf</c>.</summary>
/// <param name="Name">Of the node; outlives the process.</param>
/// <param name="Endpoint">Where peers reach its link: "host:port".</param>
/// <param name="ProcessId">Of the operating system; shown, and checked by peers on one machine.</param>
/// <param name="HostVendor">Which hypercall instruction is native here.</param>
/// <param name="OfferedCpuid">What this node offers its guests: vetted, and cut down to what the engine
/// executes.</param>
public sealed record ClusterNodeOptions(
    string Name,
    string Endpoint,
    int ProcessId,
    HostVendor HostVendor,
    CpuidTable OfferedCpuid)
{
    /// <summary>How long a lease holds without renewal.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(3);

    public TimeSpan RenewEvery { get; init; } = TimeSpan.FromMilliseconds(750);

    /// <summary>Wait behind the end of a lease before its node is declared dead.</summary>
    public TimeSpan DeathGrace { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How often the membership is looked at for dead peers.</summary>
    public TimeSpan WatchEvery { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How long the node that is first in rank has a dead node's VM for itself.</summary>
    public TimeSpan ClaimHeadStart { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest wall time of a slice.</summary>
    public TimeSpan SliceWall { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Most ticks of a slice; bounds it where the clock stands still, as in a simulation. Where it does not,
    /// a slice that waits for a commit must not end by it: host code runs some billions a second.</summary>
    public ulong SliceTicksMax { get; init; } = 100_000_000_000;

    /// <summary>While no vCPU of a VM can run, its VM time passes as the wall clock does; otherwise it jumps to the
    /// next timer.</summary>
    public bool IdleTimeIsReal { get; init; } = true;

    /// <summary>Longest wall time that a running guest goes without a Progress in the journal.</summary>
    public TimeSpan ProgressInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Instructions between snapshots that cost little, by which their ids count: see
    /// <see cref="Vm.VmState.NextSnapshotId"/>. Rests cost a rebuild nothing.</summary>
    public ulong SnapshotIntervalTicks { get; init; } = 100_000_000;

    /// <summary>Most instructions between snapshots, whatever they cost; retention can keep no promise beyond
    /// it.</summary>
    public ulong SnapshotTicksMax { get; init; } = 20_000_000_000;

    /// <summary>Longest wall time that a guest which runs on is kept without a snapshot, or a sum over memory, by what
    /// the last one cost. Zero: one at every interval.</summary>
    public TimeSpan SnapshotWaitMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Which snapshots of a VM stay; null: all.</summary>
    public SnapshotRetention? SnapshotRetention { get; init; } = new(Latest: 8, Spacing: 200);

    /// <summary>Instructions between sums over memory in the journal.</summary>
    public ulong MemorySumIntervalTicks { get; init; } = 100_000_000;

    /// <summary>Wait between two tries on a store that does not answer.</summary>
    public TimeSpan StoreRetryAfter { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Longest wait for a reply over the link. A large image or memory page batch must fit.</summary>
    public TimeSpan LinkTimeout { get; init; } = TimeSpan.FromSeconds(10);

    public MigrationLimits Migration { get; init; } = MigrationLimits.Default;

    /// <summary>What this node writes for its peers: see <see cref="WireVersion"/>.</summary>
    public int WriteVersion { get; init; } = WireVersion.Latest;

    /// <summary>VMs that a node which drains moves at a time.</summary>
    public int DrainParallel { get; init; } = 2;

    /// <summary>Memory of all guests of this node together, in bytes.</summary>
    public ulong GuestMemoryBytesMax { get; init; } = 4UL << 30;

    /// <summary>Activations of a VM that may fail in a row before it is quarantined.</summary>
    public int ActivationFailuresMax { get; init; } = 5;
}
