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

    /// <param name="Pages">Of the round that begins; in the first one, zeros among them.</param>
    public sealed record Listed(int Pages) : MoveStep;

    /// <param name="Pages">Whoever gets them disposes of them.</param>
    /// <param name="Left">Pages of the round that are still to be looked at.</param>
    public sealed record Copied(CopiedPages Pages, int Left) : MoveStep;

    /// <param name="StoodStillAt">Timestamp of the clock from which the guest was kept from running: behind its last
    /// instruction, or of the hold where it rested then; null where it did not run.</param>
    /// <param name="Pages">That were listed and not copied, and what was written since.</param>
    public sealed record Held(ulong VmTime, long? StoodStillAt, ImmutableArray<CapturedPage> Pages) : MoveStep;

    /// <summary>Of a guest that stands still, but for its pages.</summary>
    /// <param name="Heads">Behind the commit that makes durable what it did.</param>
    public sealed record Rest(
        MachineState Machine,
        StateHash State,
        MemorySum Memory,
        ReadOnlyMemory<byte> Console,
        ImmutableArray<StreamHead> Heads) : MoveStep;

    public sealed record Refused(Refusal Why) : MoveStep;

    /// <summary>The rows say that another node has the VM.</summary>
    public sealed record Lost : MoveStep;
}
