// SPDX-License-Identifier: Apache-2.0

using Google.Protobuf;
using KvmActors.Actors.Migration;
using KvmActors.Actors.Wire;
using KvmActors.Persistence;
using KvmActors.Persistence.Membership;

namespace KvmActors.Actors.Cluster;

/// <summary>Whether a node that joins and those that are there read what the other writes.</summary>
/// <remarks>A peer that cannot be reached is not waited for: each request says its version, and one that the other does
/// not read is refused there.</remarks>
internal static class PeerVersions
{
    /// <summary>Longest wait for the answers of all peers, who are asked at the same time.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    public static LinkHello Hello(ClusterNodeOptions options) => new()
    {
        ReadsFrom = WireVersion.Oldest,
        ReadsTo = WireVersion.Latest,
        Writes = (uint)options.WriteVersion,
    };

    /// <exception cref="PeerVersionException">They do not.</exception>
    /// <exception cref="StoreUnavailableException">The store gave no answer.</exception>
    public static async Task CheckAsync(
        ClusterNodeOptions options, ClusterNodeServices services, CancellationToken stop)
    {
        IReadOnlyList<NodeRow> nodes = await services.Store.ListNodesAsync(stop);
        string?[] faults = await Task.WhenAll(nodes
            .Where(node => node.Status != NodeStatus.Dead && node.Id.Name != options.Name)
            .Select(node => FaultAsync(options, services, node, stop)));
        if (faults.FirstOrDefault(fault => fault is not null) is { } first)
        {
            throw new PeerVersionException(first);
        }
    }

    /// <summary>Why two nodes cannot work together, in a sentence; null where they can. Pure.</summary>
    public static string? Fault(string peer, LinkHello own, LinkHello other)
    {
        if (own.Writes < other.ReadsFrom || own.Writes > other.ReadsTo)
        {
            uint common = Math.Min(own.ReadsTo, other.ReadsTo);
            return $"Expected this node to write what {peer} reads, versions {other.ReadsFrom} to {other.ReadsTo}; "
                + $"found version {own.Writes}. " + (common >= own.ReadsFrom && common >= other.ReadsFrom
                    ? $"Set compat.write-version = {common} here, until all nodes are of one version."
                    : "No compat.write-version is read by both: upgrade in steps of one version.");
        }

        return other.Writes < own.ReadsFrom || other.Writes > own.ReadsTo
            ? $"Expected {peer} to write what this node reads, versions {own.ReadsFrom} to {own.ReadsTo}; found "
                + $"version {other.Writes}. Set compat.write-version there, or start a newer program here."
            : null;
    }

    /// <exception cref="InvalidDataException">A request of a version that this program does not read.</exception>
    public static void CheckRequest(LinkRequest request)
    {
        if (request.Writes > WireVersion.Latest)
        {
            throw new InvalidDataException(
                $"Expected a peer that writes versions {WireVersion.Oldest} to {WireVersion.Latest}, found version "
                + $"{request.Writes}. Set compat.write-version = {WireVersion.Latest} there, until this node is "
                + "upgraded too.");
        }
    }

    /// <summary>The first version had no such field.</summary>
    public static LinkRequest Stamp(LinkRequest request, ClusterNodeOptions options)
    {
        request.Writes = options.WriteVersion >= WireVersion.PageForms ? (uint)options.WriteVersion : 0;
        return request;
    }

    private static async Task<string?> FaultAsync(
        ClusterNodeOptions options, ClusterNodeServices services, NodeRow peer, CancellationToken stop)
    {
        LinkHello own = Hello(options);
        using CancellationTokenSource late = new(s_patience, services.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
        try
        {
            byte[] request = new LinkRequest { Hello = own }.ToByteArray();
            ReadOnlyMemory<byte> reply = await services.Link.CallAsync(peer.Endpoint, request, either.Token);
            return LinkReply.Parser.ParseFrom(reply.Span).Hello is { } hello
                ? Fault(peer.Id.Value, own, hello)
                : null;
        }
        catch (LinkException failure) when (failure.Message.Contains(
            ControlWire.NotKnown, StringComparison.Ordinal))
        {
            // The first version knows no such request.
            return Fault(
                peer.Id.Value,
                own,
                new LinkHello { ReadsFrom = 1, ReadsTo = 1, Writes = 1 });
        }
        catch (Exception failure) when (failure is LinkException or InvalidProtocolBufferException
            || (failure is OperationCanceledException && !stop.IsCancellationRequested))
        {
            return null;
        }
    }
}
