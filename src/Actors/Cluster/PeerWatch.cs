// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence;
using KvmActors.Persistence.Membership;

namespace KvmActors.Actors.Cluster;

/// <summary>Remembers since when each peer's lease has not moved, by this node's own clock, so that no two clocks are
/// ever compared. Pure: each look gives the next memory.</summary>
/// <param name="Seen">Peers that are not dead, with the lease last seen and when it was first seen.</param>
/// <param name="DeadSince">Dead peers that still own streams, and when this node first saw them dead.</param>
public sealed record PeerWatch(
    ImmutableSortedDictionary<string, PeerWatch.Sighting> Seen, ImmutableSortedDictionary<string, TimeSpan> DeadSince)
{
    public static PeerWatch Empty { get; } = new(
        ImmutableSortedDictionary.Create<string, Sighting>(StringComparer.Ordinal),
        ImmutableSortedDictionary.Create<string, TimeSpan>(StringComparer.Ordinal));

    public readonly record struct Sighting(long LeaseUntilMs, TimeSpan FirstSeen);

    /// <summary>The memory after the membership was read at <paramref name="now"/>.</summary>
    public PeerWatch Look(IEnumerable<NodeRow> nodes, NodeId self, TimeSpan now)
    {
        ImmutableSortedDictionary<string, Sighting> seen = Seen.Clear();
        ImmutableSortedDictionary<string, TimeSpan> dead = DeadSince.Clear();
        foreach (NodeRow node in nodes.Where(node => node.Id != self))
        {
            if (node.Status == NodeStatus.Dead)
            {
                dead = dead.SetItem(node.Id.Value, DeadSince.GetValueOrDefault(node.Id.Value, now));
            }
            else
            {
                bool unmoved = Seen.TryGetValue(node.Id.Value, out Sighting before)
                    && before.LeaseUntilMs == node.LeaseUntilMs;
                seen = seen.SetItem(node.Id.Value, unmoved ? before : new Sighting(node.LeaseUntilMs, now));
            }
        }

        return new PeerWatch(seen, dead);
    }

    /// <summary>Whether a peer's lease has stood still so long that the store is worth asking to declare it
    /// dead.</summary>
    public bool MayBeExpired(NodeId node, TimeSpan now, TimeSpan lease, TimeSpan grace) =>
        Seen.TryGetValue(node.Value, out Sighting sighting) && now - sighting.FirstSeen > lease + grace;

    /// <summary>Since when this node knows that the peer is dead.</summary>
    public TimeSpan? KnownDeadFor(NodeId node, TimeSpan now) =>
        DeadSince.TryGetValue(node.Value, out TimeSpan since) ? now - since : null;
}
