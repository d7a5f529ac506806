// SPDX-License-Identifier: Apache-2.0

using System.Text;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Persistence.Sqlite;

/// <summary>Rows to records. Each list of columns stands beside the method that reads it in that order.</summary>
internal static class SqliteRows
{
    internal const string StreamColumns =
        "stream_id, owner, epoch, state, head_seq, head_hash, snap_id, mig_id, target, fail_count, out_released";

    internal const string JournalColumns =
        "stream_id, seq, epoch, kind, ver, vm_time, client_id, cmd_id, payload, hash";

    internal const string NodeColumns =
        "node_id, endpoint, boot_id, pid, host_vendor, status, lease_until_ms, cpuid_table, lease_ms";

    internal static StreamRow Stream(SqliteRow row)
    {
        var stream = new StreamId(row.GetString(0));
        return new StreamRow(
            stream,
            row.GetStringOrNull(1) is { } owner ? new NodeId(owner) : null,
            new Epoch((ulong)row.GetInt64(2)),
            (StreamRowState)row.GetInt32(3),
            (ulong)row.GetInt64(4),
            Hash(row.GetBlob(5), $"the fence row of {stream}"),
            (ulong)row.GetInt64(6),
            row.GetStringOrNull(7) is { } migration ? new MigrationId(migration) : null,
            row.GetStringOrNull(8) is { } target ? new NodeId(target) : null,
            row.GetInt32(9),
            (ulong)row.GetInt64(10));
    }

    /// <param name="expected">The stream that was asked for: its name is not read out again at each row.</param>
    internal static JournalRecord Record(SqliteRow row, StreamId expected)
    {
        StreamId stream = Ascii.Equals(row.GetText(0), expected.Value) ? expected : new StreamId(row.GetString(0));
        ulong seq = (ulong)row.GetInt64(1);
        ReadOnlySpan<byte> hash = row.GetBlob(9);
        return new JournalRecord(
            stream,
            seq,
            new Epoch((ulong)row.GetInt64(2)),
            (EventKind)row.GetInt32(3),
            row.GetInt32(4),
            (ulong)row.GetInt64(5),
            row.GetStringOrNull(6) is { } client ? new CommandId(client, row.GetStringOrNull(7) ?? string.Empty) : null,
            row.GetBytes(8),
            hash.Length == Digest.SizeBytes ? Digest.FromBytes(hash) : Hash(hash, $"stream {stream}, sequence {seq}"));
    }

    internal static NodeEntry Node(SqliteRow row) => new(
        new NodeRow(
            new NodeId(row.GetString(0)),
            row.GetString(1),
            row.GetString(2),
            row.GetInt32(3),
            (HostVendor)row.GetInt32(4),
            (NodeStatus)row.GetInt32(5),
            row.GetInt64(6),
            row.GetString(7)),
        row.GetInt64(8));

    internal static Digest Hash(ReadOnlySpan<byte> bytes, string place) => bytes.Length == Digest.SizeBytes
        ? Digest.FromBytes(bytes)
        : throw new StoreCorruptException(
            $"Expected a hash of {Digest.SizeBytes} bytes in {place}, found {bytes.Length} bytes. Restore the "
            + "store from a backup.");
}
