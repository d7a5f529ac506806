// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.State;
using KvmActors.Machine;
using KvmActors.Machine.Hashing;

namespace KvmActors.Actors.Replay;

/// <summary>What a replay found.</summary>
/// <param name="Divergence">Null where every state on the way was what the journal says.</param>
/// <param name="PatchesSeen">Hypercall sites that the guest rewrote.</param>
/// <param name="StatesCompared">Hashes of CPU and devices.</param>
/// <param name="SumsCompared">Sums over memory.</param>
/// <param name="ConsoleSha256">Over all console bytes of the replay.</param>
public sealed record ReplayReport(
    Divergence? Divergence,
    int EventsReplayed,
    int PatchesSeen,
    int StatesCompared,
    int SumsCompared,
    TimeSpan Took,
    ulong VmTime,
    ulong InstructionsRetired,
    MachineEnd? End,
    StateHash State,
    MemorySum Memory,
    string ConsoleSha256)
{
    /// <summary>The snapshot it began with.</summary>
    public ulong FromSnapshot { get; init; }

    /// <summary>VM time of that snapshot.</summary>
    public ulong FromVmTime { get; init; }

    /// <summary>VM time of the last state that was what the journal says; null where none was compared.</summary>
    public ulong? EqualUntil { get; init; }

    /// <summary>Stored snapshots that were compared with what the journal says of them.</summary>
    public int SnapshotsCompared { get; init; }

    /// <summary>Where the replay stands at its end.</summary>
    public ImmutableArray<VcpuState> Vcpus { get; init; } = [];

    public bool IsEqual => Divergence is null;

    public double EventsPerSecond => Took > TimeSpan.Zero ? EventsReplayed / Took.TotalSeconds : 0;
}
