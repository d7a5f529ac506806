// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Machine;
using KvmActors.Machine.Hashing;
using KvmActors.Machine.Time;

namespace KvmActors.Actors.Vm;

/// <summary>What a slice did, and what was captured at its end, before the next one may change it.</summary>
/// <param name="StartVmTime">VM time of its first instruction, and of its input.</param>
/// <param name="EndedAt">Timestamp of the clock behind its last instruction.</param>
/// <param name="End">How the guest ended, if it did.</param>
/// <param name="Progress">Null where nothing is due: then nothing has to be journaled.</param>
public sealed record SliceCapture(
    SliceResult Result,
    ulong StartVmTime,
    ImmutableArray<byte> Input,
    long EndedAt,
    MachineEnd? End,
    CapturedProgress? Progress);

/// <summary>A guest's state at one VM time.</summary>
/// <param name="PendingMemory">Null where only CPU and devices were hashed.</param>
/// <param name="SnapshotPages">What changed since the last snapshot, if one is due; default otherwise.</param>
public sealed record CapturedProgress(
    MachineState Machine, PendingMemorySum? PendingMemory, ImmutableArray<CapturedPage> SnapshotPages)
{
    private StateHash? _state;

    /// <summary>Computed when it is first asked for, which is not on the guest's thread.</summary>
    public StateHash State => _state ??= StateHasher.Hash(Machine);

    /// <summary>The pages are all that are not zero, whatever was stored before.</summary>
    public bool IsWhole { get; init; }

    /// <summary>Computed when it is first asked for, which is not on the guest's thread.</summary>
    public MemorySum? Memory => PendingMemory?.Complete();

    /// <summary>For how long the guest stood still for this.</summary>
    public TimeSpan Pause { get; init; }

    public bool SumsMemory => PendingMemory is not null;

    public bool TakesSnapshot => !SnapshotPages.IsDefault;
}
