// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;
using Npgsql;

namespace KvmActors.Persistence.Postgres;

/// <summary>Rows to records. Each list of columns stands beside the method that reads it in that order.</summary>
internal static class PostgresRows
{
    internal const string StreamColumns =
        "stream_id, owner, epoch, state, head_seq, head_hash, snap_id, mig_id, target, fail_count, out_released";

    internal const string JournalColumns =
        "stream_id, seq, epoch, kind, ver, vm_time, client_id, cmd_id, payload, hash";

    internal const string NodeColumns =
        "node_id, endpoint, boot_id, pid, host_vendor, status, lease_until_ms, cpuid_table, lease_ms";

    /// <param name="at">The first of the columns.</param>
    internal static StreamRow Stream(NpgsqlDataReader row, int at)
    {
        var stream = new StreamId(row.GetString(at));
        return new StreamRow(
            stream,
            Text(row, at + 1) is { } owner ? new NodeId(owner) : null,
            new Epoch((ulong)row.GetInt64(at + 2)),
            (StreamRowState)row.GetInt32(at + 3),
            (ulong)row.GetInt64(at + 4),
            Hash(row, at + 5, $"the fence row of {stream}"),
            (ulong)row.GetInt64(at + 6),
            Text(row, at + 7) is { } migration ? new MigrationId(migration) : null,
            Text(row, at + 8) is { } target ? new NodeId(target) : null,
            row.GetInt32(at + 9),
            (ulong)row.GetInt64(at + 10));
    }

    internal static StreamRow Stream(NpgsqlDataReader row) => Stream(row, at: 0);

    internal static JournalRecord Record(NpgsqlDataReader row)
    {
        var stream = new StreamId(row.GetString(0));
        ulong seq = (ulong)row.GetInt64(1);
        return new JournalRecord(
            stream,
            seq,
            new Epoch((ulong)row.GetInt64(2)),
            (EventKind)row.GetInt32(3),
            row.GetInt32(4),
            (ulong)row.GetInt64(5),
            Text(row, 6) is { } client ? new CommandId(client, Text(row, 7) ?? string.Empty) : null,
            row.GetFieldValue<byte[]>(8),
            Hash(row, 9, $"stream {stream}, sequence {seq}"));
    }

    internal static NodeEntry Node(NpgsqlDataReader row) => new(
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

    internal static Digest Hash(NpgsqlDataReader row, int column, string place)
    {
        byte[] bytes = row.GetFieldValue<byte[]>(column);
        return bytes.Length == Digest.SizeBytes
            ? Digest.FromBytes(bytes)
            : throw new StoreCorruptException(
                $"Expected a hash of {Digest.SizeBytes} bytes in {place}, found {bytes.Length} bytes. Restore the "
                + "store from a backup.");
    }

    internal static string? Text(NpgsqlDataReader row, int column) =>
        row.IsDBNull(column) ? null : row.GetString(column);
}
