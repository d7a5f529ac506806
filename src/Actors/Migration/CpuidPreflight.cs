// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Fleet;

namespace KvmActors.Actors.Migration;

/// <summary>The CPUID part of the check before a node takes a guest: at creation, before a move, and before a claim.
/// Pure.
/// </summary>
public static class CpuidPreflight
{
    /// <summary>Differences told in one message.</summary>
    public const int DifferencesMax = 8;

    /// <param name="node">Name of the node that would take the guest.</param>
    /// <param name="guest">Every vCPU of the VM.</param>
    /// <param name="offered">What the node offers.</param>
    /// <returns>Null where the node can host the guest.</returns>
    public static Refusal? Check(string node, IEnumerable<GuestCpuid> guest, CpuidTable offered)
    {
        ImmutableArray<CpuidDifference> missing =
        [
            .. guest.SelectMany(vcpu => CpuidSuitability.Missing(vcpu.Table, offered, vcpu.Observed)).Distinct(),
        ];
        if (missing.IsEmpty)
        {
            return null;
        }

        string told = string.Join(" ", missing.Take(DifferencesMax));
        string more = missing.Length > DifferencesMax ? $" And {missing.Length - DifferencesMax} more." : string.Empty;
        return new Refusal(
            RefusalKind.Unsuitable,
            $"{node} to offer all that the guest's CPUID promises",
            $"{missing.Length} missing: {told}{more}",
            "Choose another node, or create the VM with a table that both offer: see vcpu show and cpuid check.");
    }
}
