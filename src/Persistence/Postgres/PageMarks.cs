// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Snapshots;
using KvmActors.Persistence.Upkeep;

namespace KvmActors.Persistence.Postgres;

/// <summary>Which pages are known to be named by which snapshots, and which may be deleted.</summary>
internal sealed class PageMarks
{
    private const string FindSnapshots = "SELECT vm_id, id, vm_time FROM snapshot";

    private const string FindIndex = "SELECT page_index FROM snapshot WHERE vm_id = $1 AND id = $2";

    private const string FindPages = "SELECT digest, length(bytes) FROM page";

    private readonly HashSet<SnapshotKey> _snapshots = [];
    private readonly HashSet<PageKey> _named = [];

    internal readonly record struct SnapshotKey(string Vm, long Id, long VmTime);

    internal readonly record struct StoredPage(byte[] Digest, long Bytes);

    internal List<StoredPage> Garbage { get; private set; } = [];

    internal long References { get; private set; }

    internal async Task<int> ReadAsync(PostgresSession session, CancellationToken cancellationToken)
    {
        await ReadSnapshotsAsync(session, cancellationToken).ConfigureAwait(false);
        List<StoredPage> pages = await session.QueryAsync(
            FindPages,
            row => new StoredPage(row.GetFieldValue<byte[]>(0), row.GetInt32(1)),
            cancellationToken).ConfigureAwait(false);
        Garbage = [.. pages.Where(page => !IsNamed(page))];
        return Garbage.Count;
    }

    /// <summary>Reads those that came since the last call.</summary>
    internal async Task ReadSnapshotsAsync(PostgresSession session, CancellationToken cancellationToken)
    {
        List<SnapshotKey> snapshots = await session.QueryAsync(
            FindSnapshots,
            row => new SnapshotKey(row.GetString(0), row.GetInt64(1), row.GetInt64(2)),
            cancellationToken).ConfigureAwait(false);
        foreach (SnapshotKey snapshot in snapshots.Where(_snapshots.Add))
        {
            byte[]? index = await session.FindAsync(
                FindIndex, row => row.GetFieldValue<byte[]>(0), cancellationToken, snapshot.Vm, snapshot.Id)
                .ConfigureAwait(false);
            if (index is not null)
            {
                Mark(PageIndexCodec.DecodeDigests(index).Span);
            }
        }
    }

    /// <summary>Reads all but what a retention would drop.</summary>
    /// <returns>How many snapshots those are.</returns>
    internal async Task<int> ReadKeptAsync(
        PostgresSession session, SnapshotRetention? retention, CancellationToken cancellationToken)
    {
        List<SnapshotKey> all = await session.QueryAsync(
            FindSnapshots,
            row => new SnapshotKey(row.GetString(0), row.GetInt64(1), row.GetInt64(2)),
            cancellationToken).ConfigureAwait(false);
        foreach (IGrouping<string, SnapshotKey> vm in all.GroupBy(key => key.Vm))
        {
            HashSet<ulong> ids = [.. retention?.Dropped([.. vm.Select(key => (ulong)key.Id).Order()]) ?? []];
            _snapshots.UnionWith(vm.Where(key => ids.Contains((ulong)key.Id)));
        }

        int dropped = _snapshots.Count;
        await ReadAsync(session, cancellationToken).ConfigureAwait(false);
        return dropped;
    }

    internal bool IsNamed(StoredPage page) => _named.Contains(PageKey.Of(page.Digest));

    private void Mark(ReadOnlySpan<byte> digests)
    {
        References += digests.Length / Digest.SizeBytes;
        for (int at = 0; at < digests.Length; at += Digest.SizeBytes)
        {
            _named.Add(PageKey.Of(digests[at..]));
        }
    }
}
