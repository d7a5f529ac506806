// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid.Vetting;

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>Whether a guest with a table can run on a host: the check before any memory moves. Pure.</summary>
/// <param name="Verdict">Ok without <paramref name="Reasons"/>; what they mean else is the policy's.</param>
/// <param name="Reasons">Everything that the table promises and the host lacks, by leaf, register and bit.</param>
/// <remarks>
/// <para>The table is compared with the host by <see cref="CpuidComparison"/>: what decides there, and is not more in
/// the host, is missing. Maker, family, model, name, caches and topology are data that the guest takes along, so they
/// never are.</para>
/// <para>A thing is observed if the guest has read its leaf and subleaf; of a leaf without subleaves, any; of XSAVE,
/// any subleaf of leaf 0DH, because nobody enables a component without having asked for its size. Where a record was
/// full, everything is.</para>
/// </remarks>
public sealed record CpuidCheck(CpuidVerdict Verdict, ImmutableArray<CpuidCheckReason> Reasons)
{
    /// <param name="table">The guest's table, as it runs.</param>
    /// <param name="host">What the host offers.</param>
    /// <param name="observed">What the guest has read so far.</param>
    /// <param name="policy">What may be lost.</param>
    public static CpuidCheck Of(
        CpuidTable table, CpuidTable host, IEnumerable<CpuidObservation> observed, CpuidLossPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(observed);
        Dictionary<(uint, uint), CpuidObservation> read = Readings(table, observed);
        ImmutableArray<CpuidCheckReason> reasons =
        [
            .. CpuidComparison.Of(table, host).Differences
                .Where(difference => difference.Direction != CpuidDirection.OnlyB)
                .Select(missing => new CpuidCheckReason(missing, ReadingOf(missing, read))),
        ];
        return new CpuidCheck(VerdictOf(reasons, policy), reasons);
    }

    private static CpuidVerdict VerdictOf(ImmutableArray<CpuidCheckReason> reasons, CpuidLossPolicy policy)
    {
        if (reasons.IsEmpty)
        {
            return CpuidVerdict.Ok;
        }

        return policy == CpuidLossPolicy.AllowUnobserved && !reasons.Any(reason => reason.IsObserved)
            ? CpuidVerdict.OkWithLoss
            : CpuidVerdict.Refused;
    }

    private static CpuidObservation? ReadingOf(
        CpuidDifference missing, Dictionary<(uint, uint), CpuidObservation> read)
    {
        (uint, uint) place = missing.Rule == CpuidRule.Xsave
            ? (CpuidXsave.Leaf, uint.MaxValue)
            : (missing.Leaf, missing.Subleaf);
        return read.TryGetValue(place, out CpuidObservation observation)
            || read.TryGetValue(CpuidObservation.Others, out observation) ? observation : null;
    }

    /// <summary>The observations by the leaf and subleaf that answered; all of leaf 0DH also together.</summary>
    private static Dictionary<(uint, uint), CpuidObservation> Readings(
        CpuidTable table, IEnumerable<CpuidObservation> observed)
    {
        Dictionary<(uint, uint), CpuidObservation> read = [];
        void Add((uint, uint) place, CpuidObservation seen) =>
            read[place] = read.TryGetValue(place, out CpuidObservation before)
                ? before with
                {
                    FirstVmTime = Math.Min(before.FirstVmTime, seen.FirstVmTime),
                    Reads = before.Reads + seen.Reads,
                }
                : seen;

        foreach (CpuidObservation seen in observed)
        {
            (uint Leaf, uint Subleaf) place = AnswerOf(table, seen);
            Add(place, seen);
            if (place.Leaf == CpuidXsave.Leaf)
            {
                Add((CpuidXsave.Leaf, uint.MaxValue), seen);
            }
        }

        return read;
    }

    /// <summary>Where the answer stood: leaves without subleaves answer any, and Intel's table answers a leaf out of
    /// range with its highest basic one.</summary>
    private static (uint Leaf, uint Subleaf) AnswerOf(CpuidTable table, CpuidObservation seen)
    {
        if (seen.IsOfOthers)
        {
            return CpuidObservation.Others;
        }

        if (table.Find(seen.Leaf, seen.Subleaf) is { } entry)
        {
            return (entry.Leaf, entry.Flags.HasFlag(CpuidEntryFlags.SignificantIndex) ? entry.Subleaf : 0);
        }

        CpuidEntry? basic = table.FirstOfLeaf(0);
        uint last = table.FirstOfLeaf(seen.Leaf & 0xF000_0000)?.Eax ?? 0;
        bool isFallBack = basic is not null && !CpuidVendor.IsAmdLike(table.Vendor) && seen.Leaf > last;
        return isFallBack ? (basic!.Value.Eax, seen.Subleaf) : (seen.Leaf, seen.Subleaf);
    }
}
