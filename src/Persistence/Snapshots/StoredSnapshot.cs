// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace KvmActors.Persistence.Snapshots;

// What the column sha256 is taken over, integers little-endian:
//   tag "KVASNAP1" (8), VM name length (4) and bytes, id (8), epoch (8), VM time (8),
//   then stream_heads, state, page_index, console: each length (4) and bytes.

/// <summary>A row of the table <c>snapshot</c>, the same in every store of tables. It carries a checksum over all its
/// columns, which is checked at each read.</summary>
internal sealed record StoredSnapshot(
    VmId Vm,
    ulong Id,
    ulong Epoch,
    ulong VmTime,
    ReadOnlyMemory<byte> Heads,
    ReadOnlyMemory<byte> State,
    ReadOnlyMemory<byte> PageIndex,
    ReadOnlyMemory<byte> Console,
    Digest Checksum)
{
    internal static StoredSnapshot Of(SnapshotRecord snapshot)
    {
        StoredSnapshot row = new(
            snapshot.Vm,
            snapshot.Id,
            snapshot.Epoch.Value,
            snapshot.VmTime,
            PageIndexCodec.EncodeHeads(snapshot.Heads),
            snapshot.State,
            PageIndexCodec.Encode(snapshot.Pages),
            snapshot.Console,
            Digest.Zero);
        return row with { Checksum = row.Sum() };
    }

    /// <exception cref="StoreCorruptException">The columns do not fit their checksum.</exception>
    internal SnapshotRecord ToRecord()
    {
        Digest found = Sum();
        return Checksum == found
            ? new SnapshotRecord(
                Vm,
                Id,
                new Epoch(Epoch),
                VmTime,
                PageIndexCodec.DecodeHeads(Heads),
                State,
                PageIndexCodec.Decode(PageIndex),
                Console)
            : throw new StoreCorruptException(
                $"Snapshot {Id} of {Vm}: expected checksum {Checksum}, found {found} over the stored columns. Use an "
                + "earlier snapshot, or restore the store from a backup.");
    }

    private Digest Sum()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("KVASNAP1"u8);
        Append(hash, Encoding.UTF8.GetBytes(Vm.Value));
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        foreach (ulong number in (ReadOnlySpan<ulong>)[Id, Epoch, VmTime])
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, number);
            hash.AppendData(bytes);
        }

        Append(hash, Heads.Span);
        Append(hash, State.Span);
        Append(hash, PageIndex.Span);
        Append(hash, Console.Span);
        return Digest.FromBytes(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, ReadOnlySpan<byte> bytes)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }
}
