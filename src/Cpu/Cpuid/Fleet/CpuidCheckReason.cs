// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>One thing that a table promises and a host does not have.</summary>
/// <param name="Missing">What it is: A is the table, B the host.</param>
/// <param name="Observed">The guest's reading of it; null if it has never read it.</param>
public sealed record CpuidCheckReason(CpuidDifference Missing, CpuidObservation? Observed)
{
    public bool IsObserved => Observed is not null;

    /// <summary>What is missing in a few words: <c>avx2</c>, or <c>physical address bits (52, the host has 46)</c>.
    /// </summary>
    public string What => Missing.Rule == CpuidRule.Features || (Missing.Rule == CpuidRule.Xsave && Missing.Bit >= 0)
        ? Missing.Name
        : $"{Missing.Name} ({Missing.A}, the host has {Missing.B})";

    public override string ToString() => Observed is { } observed
        ? $"{What} is missing and the guest has read it (readings: {observed.Reads}, first at VM time "
            + $"{observed.FirstVmTime})."
        : $"{What} is missing, never observed.";
}
