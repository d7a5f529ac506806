// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Persistence.Sqlite;

// What the column sha256 is taken over, integers little-endian:
//   tag "KVASNAP1" (8), VM name length (4) and bytes, id (8), epoch (8), VM time (8),
//   then stream_heads, state, page_index, console: each length (4) and bytes.

/// <summary>The table <c>snapshot</c>: every row carries a checksum over all its columns, checked at each
/// read.</summary>
internal static class SqliteSnapshots
{
    private const string Columns = "vm_id, id, epoch, vm_time, stream_heads, state, page_index, console, sha256";

    private const string Store = $"INSERT INTO snapshot({Columns}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

    private const string FindLatest =
        $"SELECT {Columns} FROM snapshot WHERE vm_id = ?1 AND vm_time <= ?2 ORDER BY vm_time DESC, id DESC LIMIT 1";

    private const string FindOne = $"SELECT {Columns} FROM snapshot WHERE vm_id = ?1 AND id = ?2";

    private const string FindAll = "SELECT id, vm_time FROM snapshot WHERE vm_id = ?1 ORDER BY id";

    internal static void Insert(SqliteSession session, SnapshotRecord snapshot)
    {
        ReadOnlyMemory<byte> heads = PageIndexCodec.EncodeHeads(snapshot.Heads);
        ReadOnlyMemory<byte> pages = PageIndexCodec.Encode(snapshot.Pages);
        Digest checksum = Checksum(
            snapshot.Vm.Value,
            [snapshot.Id, snapshot.Epoch.Value, snapshot.VmTime],
            heads,
            snapshot.State,
            pages,
            snapshot.Console);
        session.Execute(
            Store,
            snapshot.Vm,
            snapshot.Id,
            snapshot.Epoch,
            snapshot.VmTime,
            heads,
            snapshot.State,
            pages,
            snapshot.Console,
            checksum);
    }

    internal static SnapshotRecord? Find(SqliteSession session, VmId vm, ulong vmTime) =>
        session.Find(FindLatest, row => Read(row, vm), vm, Math.Min(vmTime, long.MaxValue));

    internal static SnapshotRecord? FindById(SqliteSession session, VmId vm, ulong id) =>
        session.Find(FindOne, row => Read(row, vm), vm, Math.Min(id, long.MaxValue));

    internal static IReadOnlyList<SnapshotSummary> List(SqliteSession session, VmId vm) =>
        session.Query(FindAll, row => new SnapshotSummary((ulong)row.GetInt64(0), (ulong)row.GetInt64(1)), vm);

    private static SnapshotRecord Read(SqliteRow row, VmId vm)
    {
        ulong id = (ulong)row.GetInt64(1);
        ulong epoch = (ulong)row.GetInt64(2);
        ulong vmTime = (ulong)row.GetInt64(3);
        byte[] heads = row.GetBytes(4);
        byte[] state = row.GetBytes(5);
        byte[] pages = row.GetBytes(6);
        byte[] console = row.GetBytes(7);
        Digest stored = SqliteRows.Hash(row.GetBlob(8), $"snapshot {id} of {vm}");
        Digest found = Checksum(row.GetString(0), [id, epoch, vmTime], heads, state, pages, console);
        return stored == found
            ? new SnapshotRecord(
                vm,
                id,
                new Epoch(epoch),
                vmTime,
                PageIndexCodec.DecodeHeads(heads),
                state,
                PageIndexCodec.Decode(pages),
                console)
            : throw new StoreCorruptException(
                $"Snapshot {id} of {vm}: expected checksum {stored}, found {found} over the stored columns. Use an "
                + "earlier snapshot, or restore the store from a backup.");
    }

    private static Digest Checksum(string vm, ulong[] numbers, params ReadOnlySpan<ReadOnlyMemory<byte>> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("KVASNAP1"u8);
        Append(hash, Encoding.UTF8.GetBytes(vm));
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        foreach (ulong number in numbers)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, number);
            hash.AppendData(bytes);
        }

        foreach (ReadOnlyMemory<byte> part in parts)
        {
            Append(hash, part.Span);
        }

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
