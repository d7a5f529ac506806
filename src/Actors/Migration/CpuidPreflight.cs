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
    /// <summary>Missing things told in one message, unless all were asked for.</summary>
    public const int ReasonsMax = 8;

    /// <param name="node">Name of the node that would take the guest.</param>
    /// <param name="guest">Every vCPU of the VM.</param>
    /// <param name="offered">What the node offers.</param>
    /// <param name="toldMax">How many missing things are named.</param>
    /// <returns>Null where the node can host the guest.</returns>
    public static Refusal? Check(
        string node, IEnumerable<GuestCpuid> guest, CpuidTable offered, int toldMax = ReasonsMax)
    {
        ImmutableArray<CpuidCheckReason> missing = Missing(guest, offered);
        if (missing.IsEmpty)
        {
            return null;
        }

        string told = string.Join(
            "; ",
            new[]
            {
                Told(missing.Take(toldMax), isObserved: true, "which the guest has read"),
                Told(missing.Take(toldMax), isObserved: false, "which it has never read"),
            }.Where(part => part.Length > 0));
        string more = missing.Length > toldMax ? $"; and {missing.Length - toldMax} more" : string.Empty;
        return new Refusal(
            RefusalKind.Unsuitable,
            $"{node} to offer all that the guest's CPUID promises",
            $"{missing.Length} missing: {told}{more}",
            "Choose another node, or create the VM with a table that both offer: see cpuid baseline and cpuid check.");
    }

    /// <summary>What the guest's tables promise and the node lacks; what the guest has read comes first.</summary>
    /// <param name="guest">Every vCPU of the VM. They mostly miss the same: what one of them has read counts.</param>
    /// <param name="offered">What the node offers.</param>
    public static ImmutableArray<CpuidCheckReason> Missing(IEnumerable<GuestCpuid> guest, CpuidTable offered) =>
    [
        .. guest.SelectMany(vcpu =>
                CpuidCheck.Of(vcpu.Table, offered, vcpu.Observed, CpuidLossPolicy.Strict).Reasons)
            .OrderByDescending(reason => reason.IsObserved)
            .DistinctBy(reason => reason.Missing),
    ];

    private static string Told(IEnumerable<CpuidCheckReason> reasons, bool isObserved, string how)
    {
        string[] names = [.. reasons.Where(reason => reason.IsObserved == isObserved).Select(reason => reason.What)];
        return names.Length == 0 ? string.Empty : $"{string.Join(", ", names)}, {how}";
    }
}
