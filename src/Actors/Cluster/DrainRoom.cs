// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Vm;
using KvmActors.Persistence;

namespace KvmActors.Actors.Cluster;

/// <summary>The memory of the nodes that a drain may move to, with what is on its way there: so that VMs that move at
/// the same time spread. Any thread.</summary>
internal sealed class DrainRoom
{
    private readonly Lock _gate = new();
    private ImmutableArray<DrainTarget> _targets;

    public DrainRoom(ImmutableArray<DrainTarget> targets) => _targets = targets;

    public bool IsEmpty => Targets.IsEmpty;

    public ImmutableArray<DrainTarget> Targets
    {
        get
        {
            lock (_gate)
            {
                return _targets;
            }
        }
    }

    public static long BytesOf(VmStatus vm) => (long)(vm.Spec?.MemoryBytes ?? 0);

    public void Take(NodeId node, VmStatus vm) => Add(node, -BytesOf(vm));

    public void GiveBack(NodeId node, VmStatus vm) => Add(node, BytesOf(vm));

    private void Add(NodeId node, long bytes)
    {
        lock (_gate)
        {
            _targets =
            [
                .. _targets.Select(target => target.Node.Id == node
                    ? target with { FreeBytes = target.FreeBytes + bytes }
                    : target),
            ];
        }
    }
}
