// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Upkeep;

namespace KvmActors.Persistence.Sqlite;

/// <summary>Counts what a store file holds.</summary>
internal static class SqliteStatistics
{
    private const string FindKinds =
        "SELECT kind, count(*), sum(length(payload)) FROM journal GROUP BY kind ORDER BY kind";

    private const string FindVms =
        """
        SELECT s.vm_id, count(*), sum(s.head_seq),
          (SELECT sum(length(j.payload)) FROM journal j, stream t
            WHERE t.vm_id = s.vm_id AND j.stream_id = t.stream_id),
          (SELECT count(*) FROM snapshot p WHERE p.vm_id = s.vm_id),
          (SELECT sum(length(state) + length(page_index) + length(console)) FROM snapshot p WHERE p.vm_id = s.vm_id)
        FROM stream s GROUP BY s.vm_id ORDER BY s.vm_id
        """;

    private const string FindIndices = "SELECT page_index FROM snapshot WHERE vm_id = ?1";

    private const string FindPages = "SELECT count(*), sum(length(bytes)) FROM page";

    internal static StoreStatistics Measure(SqliteSession session, string path)
    {
        // One read transaction, so that the numbers belong together.
        session.Execute("BEGIN");
        try
        {
            return MeasureNow(session, path);
        }
        finally
        {
            session.Execute("ROLLBACK");
        }
    }

    private static StoreStatistics MeasureNow(SqliteSession session, string path)
    {
        var marks = SqliteCollection.Marks.Read(session);
        ImmutableArray<VmStatistics> vms =
        [
            .. session.Query(FindVms, Vm).Select(vm => vm with
            {
                PageReferences = session.Query(FindIndices, References, vm.Vm).Sum(),
            }),
        ];
        long pageBytes = (long)session.Scalar("PRAGMA page_size")!;
        return new StoreStatistics(
            SizeOf(path) + SizeOf(path + "-wal"),
            (long)session.Scalar("PRAGMA freelist_count")! * pageBytes,
            [.. session.Query(FindKinds, Kind)],
            vms,
            new SizeStatistics(vms.Sum(vm => vm.Snapshots.Count), vms.Sum(vm => vm.Snapshots.Bytes)),
            marks.References,
            session.Query(FindPages, row => new SizeStatistics(row.GetInt64(0), Sum(row, 1))).Single(),
            new SizeStatistics(marks.Garbage.Count, marks.Garbage.Sum(page => page.Bytes)));
    }

    private static VmStatistics Vm(SqliteRow row) => new(
        VmId.Parse(row.GetString(0)),
        row.GetInt32(1),
        row.GetInt64(2),
        Sum(row, 3),
        new SizeStatistics(row.GetInt64(4), Sum(row, 5)),
        PageReferences: 0);

    private static KindStatistics Kind(SqliteRow row) =>
        new((EventKind)row.GetInt32(0), row.GetInt64(1), Sum(row, 2));

    private static long References(SqliteRow row) =>
        Snapshots.PageIndexCodec.DecodeDigests(row.GetBytes(0)).Length / Digest.SizeBytes;

    /// <summary>A sum over no rows is NULL.</summary>
    private static long Sum(SqliteRow row, int column) => row.IsNull(column) ? 0 : row.GetInt64(column);

    private static long SizeOf(string path) => File.Exists(path) ? new FileInfo(path).Length : 0;
}
