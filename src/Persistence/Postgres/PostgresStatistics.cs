// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Snapshots;
using KvmActors.Persistence.Upkeep;
using Npgsql;

namespace KvmActors.Persistence.Postgres;

/// <summary>Counts what a store holds. Inside one transaction, so that the numbers belong together.</summary>
internal static class PostgresStatistics
{
    private const string FindKinds =
        "SELECT kind, count(*), sum(length(payload))::bigint FROM journal GROUP BY kind ORDER BY kind";

    private const string FindVms =
        """
        SELECT s.vm_id, count(*)::integer, sum(s.head_seq)::bigint,
          (SELECT sum(length(j.payload))::bigint FROM journal j JOIN stream t ON t.stream_id = j.stream_id
            WHERE t.vm_id = s.vm_id),
          (SELECT count(*) FROM snapshot p WHERE p.vm_id = s.vm_id),
          (SELECT sum(length(state) + length(page_index) + length(console))::bigint FROM snapshot p
            WHERE p.vm_id = s.vm_id)
        FROM stream s GROUP BY s.vm_id ORDER BY s.vm_id
        """;

    private const string FindIndices = "SELECT page_index FROM snapshot WHERE vm_id = $1";

    private const string FindPages = "SELECT count(*), sum(length(bytes))::bigint FROM page";

    // Tables with their indexes; what is free in them is not told by the server without an extension.
    private const string FindSize =
        """
        SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
        WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
        """;

    internal static async Task<StoreStatistics> MeasureAsync(
        PostgresSession session, CancellationToken cancellationToken)
    {
        PageMarks marks = new();
        await marks.ReadAsync(session, cancellationToken).ConfigureAwait(false);
        ImmutableArray<VmStatistics>.Builder vms = ImmutableArray.CreateBuilder<VmStatistics>();
        foreach (VmStatistics vm in await session.QueryAsync(FindVms, Vm, cancellationToken).ConfigureAwait(false))
        {
            List<long> references = await session.QueryAsync(FindIndices, References, cancellationToken, vm.Vm)
                .ConfigureAwait(false);
            vms.Add(vm with { PageReferences = references.Sum() });
        }

        List<KindStatistics> kinds =
            await session.QueryAsync(FindKinds, Kind, cancellationToken).ConfigureAwait(false);
        List<SizeStatistics> pages = await session.QueryAsync(
            FindPages, row => new SizeStatistics(row.GetInt64(0), Sum(row, 1)), cancellationToken)
            .ConfigureAwait(false);
        return new StoreStatistics(
            (long)(await session.ScalarAsync(FindSize, cancellationToken).ConfigureAwait(false))!,
            FreeBytes: 0,
            [.. kinds],
            vms.ToImmutable(),
            new SizeStatistics(vms.Sum(vm => vm.Snapshots.Count), vms.Sum(vm => vm.Snapshots.Bytes)),
            marks.References,
            pages[0],
            new SizeStatistics(marks.Garbage.Count, marks.Garbage.Sum(page => page.Bytes)));
    }

    private static VmStatistics Vm(NpgsqlDataReader row) => new(
        VmId.Parse(row.GetString(0)),
        row.GetInt32(1),
        row.GetInt64(2),
        Sum(row, 3),
        new SizeStatistics(row.GetInt64(4), Sum(row, 5)),
        PageReferences: 0);

    private static KindStatistics Kind(NpgsqlDataReader row) =>
        new((EventKind)row.GetInt32(0), row.GetInt64(1), Sum(row, 2));

    private static long References(NpgsqlDataReader row) =>
        PageIndexCodec.DecodeDigests(row.GetFieldValue<byte[]>(0)).Length / Digest.SizeBytes;

    /// <summary>A sum over no rows is NULL.</summary>
    private static long Sum(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? 0 : row.GetInt64(column);
}
