// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Actors.Cluster;

/// <summary>The VMs of the cluster, as the nodes that run them tell; where none does, as the store has them.</summary>
/// <param name="ask">Asks a peer.</param>
internal sealed class VmListing(
    VmServices services, Func<NodeRow, ControlRequest, CancellationToken, Task<ControlReply>> ask)
{
    public ControlReply.Listed Own()
    {
        ImmutableArray<VmStatus> own = services.Board.All;
        return new ControlReply.Listed(services.Gate.IsOpen ? own : [])
        {
            MemoryBytesMax = services.Options.GuestMemoryBytesMax,
        };
    }

    /// <exception cref="StoreUnavailableException">The store gave no answer.</exception>
    public async Task<ControlReply.Listed> AllAsync(CancellationToken cancellation)
    {
        SortedDictionary<string, VmStatus> all = new(StringComparer.Ordinal);
        foreach (StreamRow row in (await services.Store.ListAsync(cancellation)).Where(row => row.Stream.VcpuIndex < 0))
        {
            all[row.Stream.Value] = FromRow(row, "Its owner gave no answer.");
        }

        foreach (NodeRow node in await services.Store.ListNodesAsync(cancellation))
        {
            foreach (VmStatus status in (await OfAsync(node, cancellation))?.Vms ?? [])
            {
                all[status.Vm.Value] = status;
            }
        }

        return new ControlReply.Listed([.. all.Values]);
    }

    /// <returns>What the node runs; null where it gave no answer.</returns>
    public async Task<ControlReply.Listed?> OfAsync(NodeRow node, CancellationToken cancellation) =>
        node.Id == services.Self ? Own()
        : node.Status == NodeStatus.Dead ? null
        : await ask(node, new ControlRequest.ListOwnVms(), cancellation) as ControlReply.Listed;

    public static VmStatus FromRow(StreamRow row, string problem) => new(
        row.Stream.Vm,
        row.State == StreamRowState.Quarantined ? VmLifecycle.Quarantined : VmLifecycle.Paused,
        row.Owner,
        row.Epoch,
        HostVendor.Intel,
        Spec: null,
        Image: string.Empty,
        ImageSha256: string.Empty,
        VmTime: 0,
        InstructionsRetired: 0,
        DurableVmTime: 0,
        row.OutputReleased,
        End: null,
        ExitCode: null,
        row.Target,
        problem,
        Recovery: null,
        Patches: [],
        Machine: null);
}
