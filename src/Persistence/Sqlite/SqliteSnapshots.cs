// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Snapshots;

namespace KvmActors.Persistence.Sqlite;

/// <summary>The table <c>snapshot</c>.</summary>
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
        var row = StoredSnapshot.Of(snapshot);
        session.Execute(
            Store,
            row.Vm,
            row.Id,
            row.Epoch,
            row.VmTime,
            row.Heads,
            row.State,
            row.PageIndex,
            row.Console,
            row.Checksum);
    }

    internal static SnapshotRecord? Find(SqliteSession session, VmId vm, ulong vmTime) =>
        session.Find(FindLatest, Read, vm, Math.Min(vmTime, long.MaxValue));

    internal static SnapshotRecord? FindById(SqliteSession session, VmId vm, ulong id) =>
        session.Find(FindOne, Read, vm, Math.Min(id, long.MaxValue));

    internal static IReadOnlyList<SnapshotSummary> List(SqliteSession session, VmId vm) =>
        session.Query(FindAll, row => new SnapshotSummary((ulong)row.GetInt64(0), (ulong)row.GetInt64(1)), vm);

    private static SnapshotRecord Read(SqliteRow row)
    {
        var vm = VmId.Parse(row.GetString(0));
        ulong id = (ulong)row.GetInt64(1);
        return new StoredSnapshot(
            vm,
            id,
            (ulong)row.GetInt64(2),
            (ulong)row.GetInt64(3),
            row.GetBytes(4),
            row.GetBytes(5),
            row.GetBytes(6),
            row.GetBytes(7),
            SqliteRows.Hash(row.GetBlob(8), $"snapshot {id} of {vm}")).ToRecord();
    }
}
