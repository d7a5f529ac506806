// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using KvmActors.Persistence;

namespace KvmActors.Actors.Cluster;

/// <summary>Who claims a dead node's VM first: every node ranks the candidates alike, without talking. Pure.</summary>
public static class Rendezvous
{
    /// <returns>The candidates, first the one that should claim <paramref name="vm"/> at once.</returns>
    public static ImmutableArray<NodeId> Rank(VmId vm, IEnumerable<NodeId> candidates) =>
    [
        .. candidates.OrderByDescending(node => Weight(vm, node)).ThenBy(node => node.Value, StringComparer.Ordinal),
    ];

    private static ulong Weight(VmId vm, NodeId node) => BinaryPrimitives.ReadUInt64LittleEndian(
        SHA256.HashData(Encoding.UTF8.GetBytes($"{vm}\n{node}")));
}
