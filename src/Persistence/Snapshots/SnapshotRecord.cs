// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Persistence.Snapshots;

/// <summary>A consistent cut of a VM at one VM time.</summary>
/// <param name="Id">0 at creation, then 1, 2, 3… within the VM.</param>
/// <param name="Heads">Each stream's head at the cut: replay goes on behind it.</param>
/// <param name="State">The encoded machine state (vCPUs and devices): <c>SnapshotCodec</c>.</param>
/// <param name="Pages">Every non-zero page, by ascending page number.</param>
/// <param name="Console">The last bytes that the console put out, at most 1 MiB; the last of them is number
/// <c>ConsoleBytes - 1</c> of the state. Without them a client that had not yet received released bytes would lose them
/// at a
/// failover, because a rebuild starts at the snapshot.</param>
public sealed record SnapshotRecord(
    VmId Vm,
    ulong Id,
    Epoch Epoch,
    ulong VmTime,
    ImmutableArray<StreamHead> Heads,
    ReadOnlyMemory<byte> State,
    ImmutableArray<PageReference> Pages,
    ReadOnlyMemory<byte> Console);

public readonly record struct StreamHead(StreamId Stream, ulong Seq, Digest Hash);

/// <summary>A page of guest memory by its content.</summary>
/// <param name="PageNumber">GPA / 4096.</param>
public readonly record struct PageReference(ulong PageNumber, Digest Digest);
