// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Migration;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Membership;

namespace KvmActors.Actors.Cluster;

/// <summary>What of a node is to be moved, and where to. Pure.</summary>
public static class DrainPlan
{
    /// <summary>A VM that came to its end, or is out of service, stays where its journal is: in the store.</summary>
    public static bool CanMove(VmStatus vm)
    {
        ArgumentNullException.ThrowIfNull(vm);
        return vm.Lifecycle is not (VmLifecycle.Ended or VmLifecycle.Quarantined);
    }

    /// <summary>Those that offer what the guest's CPUID promises, first the one with the most free memory. Whether a
    /// node has room, it says itself when it is asked.</summary>
    public static ImmutableArray<NodeRow> Order(VmStatus vm, IEnumerable<DrainTarget> targets)
    {
        ArgumentNullException.ThrowIfNull(vm);
        return
        [
            .. targets.Where(target => Offers(target.Node, vm))
                .OrderByDescending(target => target.FreeBytes)
                .ThenBy(target => target.Node.Id.Value, StringComparer.Ordinal)
                .Select(target => target.Node),
        ];
    }

    private static bool Offers(NodeRow node, VmStatus vm)
    {
        if (vm.Machine is not { } machine)
        {
            return true;
        }

        try
        {
            CpuidTable offered = CpuidJson.Read(node.CpuidTable);
            return CpuidPreflight.Check(node.Id.Name, GuestCpuid.Of(machine), offered) is null;
        }
        catch (CpuidFormatException)
        {
            return false;
        }
    }
}
