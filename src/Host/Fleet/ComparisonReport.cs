// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid.Fleet;

namespace KvmActors.Host.Fleet;

/// <summary>What <c>cpuid compare</c> prints as JSON.</summary>
internal sealed record ComparisonReport(
    string A,
    string B,
    CpuidRelation Relation,
    ImmutableArray<DifferenceReport> Differences,
    ImmutableArray<DifferenceReport> Notes)
{
    public static ComparisonReport Of(string a, string b, CpuidComparison comparison) => new(
        a,
        b,
        comparison.Relation,
        [.. comparison.Differences.Select(DifferenceReport.Of)],
        [.. comparison.Notes.Select(DifferenceReport.Of)]);
}
