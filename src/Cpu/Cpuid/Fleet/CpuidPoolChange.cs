// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>What a pool's baseline gains and loses when a host joins or leaves. Pure.</summary>
/// <param name="Lost">What the pool offered before and no longer does: A before, B after.</param>
/// <param name="Gained">What the pool offers now and did not before: A before, B after.</param>
/// <param name="IdentityChanges">True if the pool's vendor, family, model or name is another now.</param>
public sealed record CpuidPoolChange(
    ImmutableArray<CpuidDifference> Lost, ImmutableArray<CpuidDifference> Gained, bool IdentityChanges)
{
    /// <param name="before">The baseline as it was.</param>
    /// <param name="after">The baseline as it is then.</param>
    public static CpuidPoolChange Of(CpuidTable before, CpuidTable after)
    {
        var change = CpuidComparison.Of(before, after);
        return new CpuidPoolChange(
            [.. change.Differences.Where(difference => difference.Direction != CpuidDirection.OnlyB)],
            [.. change.Differences.Where(difference => difference.Direction == CpuidDirection.OnlyB)],
            change.Notes.Any(note => note.Rule == CpuidRule.Identity));
    }
}
