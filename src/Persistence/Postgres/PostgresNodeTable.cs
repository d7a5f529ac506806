// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Persistence.Membership;

namespace KvmActors.Persistence.Postgres;

/// <summary>The tables <c>node</c> and <c>meta</c> as they were read, and what a step writes to them: see
/// <see cref="PostgresMembership"/>.</summary>
internal sealed class PostgresNodeTable(
    IReadOnlyList<NodeEntry> nodes, IReadOnlyDictionary<string, string> meta) : INodeTable
{
    internal const string Version = "membership_version";

    private const string BeatBoot = "beat_boot_id";
    private const string BeatLast = "last_beat_ms";
    private const string BeatUpSince = "store_up_since_ms";
    private const string View = "view";

    private readonly Dictionary<NodeId, NodeEntry> _nodes = nodes.ToDictionary(node => node.Row.Id);
    private readonly Dictionary<string, string> _meta = meta.ToDictionary();

    /// <summary>Rows that were added or changed, by id.</summary>
    internal SortedDictionary<string, NodeEntry> ChangedNodes { get; } = new(StringComparer.Ordinal);

    internal SortedDictionary<string, string> ChangedMeta { get; } = new(StringComparer.Ordinal);

    public ClusterBeat? Beat
    {
        get => _meta.TryGetValue(BeatBoot, out string? bootId)
            ? new ClusterBeat(bootId, Number(BeatLast), Number(BeatUpSince))
            : null;
        set
        {
            if (value is not null)
            {
                Put(BeatBoot, value.BootId);
                Put(BeatLast, Text(value.LastBeatMs));
                Put(BeatUpSince, Text(value.StoreUpSinceMs));
            }
        }
    }

    public NodeEntry? Find(NodeId node) => _nodes.GetValueOrDefault(node);

    public IReadOnlyList<NodeEntry> Namesakes(string name) =>
    [
        .. _nodes.Values.Where(node => node.Row.Id.Name == name)
            .OrderBy(node => node.Row.Id.Value, StringComparer.Ordinal),
    ];

    public void Put(NodeEntry node)
    {
        _nodes[node.Row.Id] = node;
        ChangedNodes[node.Row.Id.Value] = node;
    }

    public int NextGeneration(string name)
    {
        string key = $"generation/{name}";
        int next = checked((int)Number(key) + 1);
        Put(key, Text(next));
        return next;
    }

    public void CountView() => Put(View, Text(Number(View) + 1));

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private void Put(string key, string value)
    {
        _meta[key] = value;
        ChangedMeta[key] = value;
    }

    private long Number(string key) =>
        _meta.TryGetValue(key, out string? value) ? long.Parse(value, CultureInfo.InvariantCulture) : 0;
}
