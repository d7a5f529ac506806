// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Host.Rpc;
using KvmActors.Persistence;
using KvmActors.Persistence.Membership;

namespace KvmActors.Host.Node;

/// <summary>The other nodes, as the cluster's table has them, where their certificates are in question.</summary>
/// <param name="self">Name of this node.</param>
internal sealed class NodePeers(IStore store, string self)
{
    /// <summary>How long a peer may take to say whether it takes this node.</summary>
    private static readonly TimeSpan s_meetMax = TimeSpan.FromSeconds(3);

    /// <summary>Asks each node that there is whether it takes this one. A node that has the store but whose
    /// certificate the others do not take would claim VMs that nobody could reach.</summary>
    /// <remarks>A peer that does not answer decides nothing: it may be dead.</remarks>
    /// <exception cref="CliFault">One of them does not, or this one does not take it.</exception>
    public async Task MeetAsync(NodeLink link, CancellationToken cancellationToken)
    {
        IReadOnlyList<NodeRow> nodes = await store.ListNodesAsync(cancellationToken).ConfigureAwait(false);
        await Task.WhenAll(nodes.Where(row => row.Status != NodeStatus.Dead && row.Id.Name != self)
            .Select(row => MeetAsync(link, row, cancellationToken))).ConfigureAwait(false);
    }

    private async Task MeetAsync(NodeLink link, NodeRow peer, CancellationToken cancellationToken)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        late.CancelAfter(s_meetMax);
        try
        {
            await link.CallAsync(peer.Endpoint, ReadOnlyMemory<byte>.Empty, late.Token).ConfigureAwait(false);
        }
        catch (LinkException fault) when (fault.InnerException
            is RpcException { Status: RpcStatus.Unauthenticated or RpcStatus.PermissionDenied } refused
            && refused.GetBaseException() is not IOException)
        {
            // Declared dead since it was listed, it is no node of the cluster any more, and says nothing of this one.
            IReadOnlyList<NodeRow> nodes = await store.ListNodesAsync(cancellationToken).ConfigureAwait(false);
            if (!nodes.Any(row => row.Id == peer.Id && row.Status != NodeStatus.Dead))
            {
                return;
            }

            throw new CliFault(
                $"Expected this node and {peer.Id} at {peer.Endpoint} to take each other's certificates, found that "
                + $"they do not. {refused.Message}",
                fault);
        }
        catch (LinkException)
        {
            // It took us and found that this is no request; or nobody is there, or no longer.
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Nobody answers there.
        }
    }

    /// <summary>The name of the node that the cluster's table has at an address; null where there is none.</summary>
    public async ValueTask<string?> NameOfAsync(string address, CancellationToken cancellationToken)
    {
        IReadOnlyList<NodeRow> nodes = await store.ListNodesAsync(cancellationToken).ConfigureAwait(false);
        return nodes
            .Where(row => row.Status != NodeStatus.Dead
                && string.Equals(row.Endpoint, address, StringComparison.OrdinalIgnoreCase))
            .MaxBy(row => row.LeaseUntilMs)
            ?.Id.Name;
    }
}
