// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Machine;
using KvmActors.Machine.Hashing;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Migration;

/// <summary>What the source of a move says to its target. A closed union.</summary>
/// <param name="Key">In every message: one of an older attempt or epoch changes nothing.</param>
public abstract record MigrationMessage(MigrationKey Key)
{
    /// <summary>Can you host this VM? Opens the move on the target; nothing was journaled yet.</summary>
    /// <param name="Engine">Of the source: states only fit the same engine.</param>
    public sealed record Offer(
        MigrationKey Key, string Engine, JournalEvent.VmCreated Vm, ImmutableArray<GuestCpuid> Cpuid)
        : MigrationMessage(Key);

    /// <summary>The pre-flight alone: what keeps you from hosting this VM? Opens nothing.</summary>
    public sealed record Check(
        MigrationKey Key, string Engine, ulong MemoryBytes, ImmutableArray<GuestCpuid> Cpuid) : MigrationMessage(Key);

    /// <summary>Pages of guest memory; a later one of the same number replaces an earlier one.</summary>
    /// <param name="Batch">Counted from 1; they count in this order, and one that came already changes nothing. 0, from
    /// before batches were counted: as they come.</param>
    public sealed record Pages(MigrationKey Key, ImmutableArray<MovedPage> All, uint Batch) : MigrationMessage(Key)
    {
        /// <summary>They travel in one piece: see <see cref="PageBatch"/>.</summary>
        internal bool IsOneBatch => Batch > 0;

        /// <summary>For as long as their bytes may be used; null: for ever.</summary>
        internal PageLoan? Loan { get; init; }
    }

    /// <summary>The guest stands still: everything but memory, and what the whole must hash to.</summary>
    /// <param name="Console">The console's last bytes.</param>
    /// <param name="Heads">Where the source's journal ends; the hand-over goes on exactly there.</param>
    public sealed record Final(
        MigrationKey Key,
        MachineState Machine,
        StateHash State,
        MemorySum Memory,
        ReadOnlyMemory<byte> Console,
        ImmutableArray<StreamHead> Heads) : MigrationMessage(Key);

    /// <summary>Take the VM: commit the change of owner, and let the guest run.</summary>
    /// <param name="Reply">Kept by the same commit for a retry of the command that asked for the move.</param>
    public sealed record HandOver(MigrationKey Key, DedupEntry? Reply) : MigrationMessage(Key);

    /// <summary>Forget it. The source's row decides, so this only frees memory early.</summary>
    public sealed record Cancel(MigrationKey Key) : MigrationMessage(Key);

    /// <summary>Memory of one <see cref="Pages"/>.</summary>
    public const int PagesBytesMax = 1 << 20;
}

/// <summary>Names one attempt to move a VM.</summary>
/// <param name="Epoch">Of the source.</param>
public sealed record MigrationKey(VmId Vm, MigrationId Migration, Epoch Epoch, NodeId Source);
