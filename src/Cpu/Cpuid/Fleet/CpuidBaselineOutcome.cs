// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>A baseline, or why there is none.</summary>
public abstract record CpuidBaselineOutcome
{
    private CpuidBaselineOutcome()
    {
    }

    public sealed record Made(CpuidTable Table) : CpuidBaselineOutcome;

    /// <param name="Sentence">What was expected, what was found, what to do.</param>
    public sealed record Refused(string Sentence) : CpuidBaselineOutcome;
}
