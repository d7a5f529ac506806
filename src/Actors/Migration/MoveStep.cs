// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Vm;
using KvmActors.Machine;
using KvmActors.Machine.Hashing;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Migration;

/// <summary>What the VM actor answers to a step of its own move.</summary>
internal abstract record MoveStep
{
    private MoveStep()
    {
    }

    public sealed record Done : MoveStep;

    /// <param name="Pages">Of the round that begins.</param>
    public sealed record Listed(int Pages) : MoveStep;

    public sealed record Copied(ImmutableArray<CapturedPage> Pages, bool IsLast) : MoveStep;

    /// <param name="StoodStillAt">Timestamp of the clock behind the guest's last instruction; null where it did not
    /// run.
    /// </param>
    public sealed record Held(ulong VmTime, long? StoodStillAt) : MoveStep;

    public sealed record Rest(
        ImmutableArray<CapturedPage> Pages,
        MachineState Machine,
        StateHash State,
        MemorySum Memory,
        ReadOnlyMemory<byte> Console,
        ImmutableArray<StreamHead> Heads) : MoveStep;

    public sealed record Refused(Refusal Why) : MoveStep;

    /// <summary>The rows say that another node has the VM.</summary>
    public sealed record Lost : MoveStep;
}
