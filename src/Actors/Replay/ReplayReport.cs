// SPDX-License-Identifier: Apache-2.0

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
    public bool IsEqual => Divergence is null;

    public double EventsPerSecond => Took > TimeSpan.Zero ? EventsReplayed / Took.TotalSeconds : 0;
}
