// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence;

namespace KvmActors.Actors.Cluster;

/// <summary>What became of the VMs of a drain. Any thread.</summary>
internal sealed class DrainTally
{
    private readonly Lock _gate = new();
    private readonly Dictionary<VmId, (int Tries, string Reason)> _stayed = [];
    private readonly HashSet<VmId> _moved = [];

    public int Moved
    {
        get
        {
            lock (_gate)
            {
                return _moved.Count;
            }
        }
    }

    public void Left(VmId vm)
    {
        lock (_gate)
        {
            _moved.Add(vm);
            _stayed.Remove(vm);
        }
    }

    public void Stayed(VmId vm, string reason)
    {
        lock (_gate)
        {
            _stayed[vm] = (_stayed.GetValueOrDefault(vm).Tries + 1, reason);
        }
    }

    /// <param name="left">VMs that are still to be moved.</param>
    /// <param name="tries">How often one must have stayed.</param>
    public ImmutableArray<DrainProblem> Problems(IEnumerable<VmId> left, int tries)
    {
        lock (_gate)
        {
            return
            [
                .. left.Where(vm => _stayed.GetValueOrDefault(vm).Tries >= tries)
                    .Select(vm => new DrainProblem(vm, _stayed[vm].Reason)),
            ];
        }
    }
}
