// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Snapshots;
using Npgsql;

namespace KvmActors.Persistence.Postgres;

/// <summary>Reads of the table <c>snapshot</c>.</summary>
internal static class PostgresSnapshots
{
    private const string Columns = "vm_id, id, epoch, vm_time, stream_heads, state, page_index, console, sha256";

    private const string FindLatest =
        $"SELECT {Columns} FROM snapshot WHERE vm_id = $1 AND vm_time <= $2 ORDER BY vm_time DESC, id DESC LIMIT 1";

    private const string FindOne = $"SELECT {Columns} FROM snapshot WHERE vm_id = $1 AND id = $2";

    private const string FindAll = "SELECT id, vm_time FROM snapshot WHERE vm_id = $1 ORDER BY id";

    internal static Task<SnapshotRecord?> FindAsync(
        PostgresSession session, VmId vm, ulong vmTime, CancellationToken cancellationToken) =>
        session.FindAsync(FindLatest, Read, cancellationToken, vm, Math.Min(vmTime, long.MaxValue));

    internal static Task<SnapshotRecord?> FindByIdAsync(
        PostgresSession session, VmId vm, ulong id, CancellationToken cancellationToken) =>
        session.FindAsync(FindOne, Read, cancellationToken, vm, Math.Min(id, long.MaxValue));

    internal static async Task<IReadOnlyList<SnapshotSummary>> ListAsync(
        PostgresSession session, VmId vm, CancellationToken cancellationToken) =>
        await session.QueryAsync(
            FindAll,
            row => new SnapshotSummary((ulong)row.GetInt64(0), (ulong)row.GetInt64(1)),
            cancellationToken,
            vm).ConfigureAwait(false);

    private static SnapshotRecord Read(NpgsqlDataReader row)
    {
        var vm = VmId.Parse(row.GetString(0));
        ulong id = (ulong)row.GetInt64(1);
        return new StoredSnapshot(
            vm,
            id,
            (ulong)row.GetInt64(2),
            (ulong)row.GetInt64(3),
            row.GetFieldValue<byte[]>(4),
            row.GetFieldValue<byte[]>(5),
            row.GetFieldValue<byte[]>(6),
            row.GetFieldValue<byte[]>(7),
            PostgresRows.Hash(row, 8, $"snapshot {id} of {vm}")).ToRecord();
    }
}
