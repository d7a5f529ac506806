// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Membership;

namespace KvmActors.Persistence.Sqlite;

/// <summary>The tables <c>node</c> and <c>meta</c> inside one write transaction.</summary>
internal sealed class SqliteNodeTable(SqliteSession session) : INodeTable
{
    private const string Find1 = $"SELECT {SqliteRows.NodeColumns} FROM node WHERE node_id = ?1";

    private const string FindNamesakes = $"SELECT {SqliteRows.NodeColumns} FROM node WHERE name = ?1 ORDER BY node_id";

    private const string FindListed =
        $"""
        SELECT {SqliteRows.NodeColumns} FROM node
        WHERE status <> ?1 OR node_id IN (SELECT owner FROM stream WHERE owner IS NOT NULL)
        ORDER BY node_id
        """;

    private const string Store =
        """
        INSERT INTO node(
          node_id, name, endpoint, boot_id, pid, host_vendor, status, lease_until_ms, lease_ms, cpuid_table)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT(node_id) DO UPDATE SET
          status = excluded.status, lease_until_ms = excluded.lease_until_ms, lease_ms = excluded.lease_ms
        """;

    private const string ReadMeta = "SELECT value FROM meta WHERE key = ?1";

    private const string WriteMeta =
        "INSERT INTO meta(key, value) VALUES (?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value";

    private const string BeatBoot = "beat_boot_id";
    private const string BeatLast = "last_beat_ms";
    private const string BeatUpSince = "store_up_since_ms";
    private const string View = "view";

    public ClusterBeat? Beat
    {
        get => session.Scalar(ReadMeta, BeatBoot) is string bootId
            ? new ClusterBeat(bootId, Number(BeatLast), Number(BeatUpSince))
            : null;
        set
        {
            if (value is not null)
            {
                session.Execute(WriteMeta, BeatBoot, value.BootId);
                session.Execute(WriteMeta, BeatLast, value.LastBeatMs);
                session.Execute(WriteMeta, BeatUpSince, value.StoreUpSinceMs);
            }
        }
    }

    public NodeEntry? Find(NodeId node) => session.Find(Find1, SqliteRows.Node, node);

    public IReadOnlyList<NodeEntry> Namesakes(string name) => session.Query(FindNamesakes, SqliteRows.Node, name);

    public void Put(NodeEntry node) => session.Execute(
        Store,
        node.Row.Id,
        node.Row.Id.Name,
        node.Row.Endpoint,
        node.Row.BootId,
        node.Row.ProcessId,
        (long)node.Row.HostVendor,
        (long)node.Row.Status,
        node.Row.LeaseUntilMs,
        node.LeaseMs,
        node.Row.CpuidTable);

    public int NextGeneration(string name)
    {
        string key = $"generation/{name}";
        int next = checked((int)Number(key) + 1);
        session.Execute(WriteMeta, key, next);
        return next;
    }

    public void CountView() => session.Execute(WriteMeta, View, Number(View) + 1);

    /// <returns>All lives that are not dead, and those dead ones that still own a stream.</returns>
    internal IReadOnlyList<NodeRow> List() =>
        [.. session.Query(FindListed, SqliteRows.Node, (long)NodeStatus.Dead).Select(node => node.Row)];

    private long Number(string key) => session.Scalar(ReadMeta, key) is long value ? value : 0;
}
