// SPDX-License-Identifier: Apache-2.0

using System.Collections.Concurrent;
using System.Collections.Immutable;
using KvmActors.Actors.Migration;
using KvmActors.Persistence;

namespace KvmActors.Actors.Vm;

/// <summary>The latest status of each VM this node runs, for readers who must not wait for an actor. Any
/// thread.</summary>
public sealed class StatusBoard
{
    private readonly ConcurrentDictionary<VmId, VmStatus> _all = [];

    /// <summary>By name.</summary>
    public ImmutableArray<VmStatus> All =>
        [.. _all.Values.OrderBy(status => status.Vm.Value, StringComparer.Ordinal)];

    public VmStatus? Find(VmId vm) => _all.GetValueOrDefault(vm);

    internal void Publish(VmStatus status) => _all[status.Vm] = status;

    /// <summary>How far a move is, as soon as it is there; nothing where the VM is not published.</summary>
    internal void Tell(VmId vm, MoveProgress move)
    {
        while (_all.TryGetValue(vm, out VmStatus? status)
            && !_all.TryUpdate(vm, status with { Move = move }, status))
        {
            // Its actor has published meanwhile.
        }
    }

    internal void Remove(VmId vm) => _all.TryRemove(vm, out _);
}
