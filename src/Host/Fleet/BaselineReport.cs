// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Text.Json.Nodes;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Fleet;
using KvmActors.Cpu.Cpuid.Formats;

namespace KvmActors.Host.Fleet;

/// <summary>What <c>cpuid baseline</c> prints as JSON.</summary>
/// <param name="Hosts">The pool, and what each host does to it.</param>
/// <param name="Lost">What a host offers and the pool does not, and because of whom.</param>
/// <param name="GivenUp">What each vendor's hosts give up; empty in a pool of one vendor.</param>
/// <param name="WhatIf">What a host that joins or leaves changes; null if nobody asked.</param>
/// <param name="Table">The baseline, in our JSON form.</param>
internal sealed record BaselineReport(
    ImmutableArray<BaselineReport.HostShare> Hosts,
    ImmutableArray<BaselineReport.LostThing> Lost,
    ImmutableArray<BaselineReport.VendorLoss> GivenUp,
    BaselineReport.Change? WhatIf,
    JsonNode? Table)
{
    /// <param name="CostsAlone">What only this host costs.</param>
    /// <param name="CostsWithOthers">How many further things it costs together with others.</param>
    /// <param name="GainIfItLeft">What the pool would have more without it.</param>
    public sealed record HostShare(
        string Name,
        string Vendor,
        ImmutableArray<string> CostsAlone,
        int CostsWithOthers,
        ImmutableArray<DifferenceReport> GainIfItLeft);

    public sealed record LostThing(
        string Leaf,
        string Subleaf,
        CpuidRegister Register,
        int? Bit,
        string Name,
        uint Most,
        uint Baseline,
        CpuidCostReason Reason,
        ImmutableArray<string> Hosts);

    public sealed record VendorLoss(string Vendor, int Hosts, ImmutableArray<DifferenceReport> GivenUp);

    /// <param name="What"><c>add</c> or <c>remove</c>.</param>
    public sealed record Change(
        string What,
        string Host,
        ImmutableArray<DifferenceReport> Lost,
        ImmutableArray<DifferenceReport> Gained,
        bool IdentityChanges);

    public static BaselineReport Of(
        CpuidTable baseline, CpuidBaselineExplanation explanation, FleetWhatIf? whatIf, CpuidPoolChange? change) => new(
        [.. explanation.Hosts.Select(Of)],
        [.. explanation.Costs.Select(Of)],
        [.. explanation.Vendors.Select(vendor => new VendorLoss(vendor.Vendor, vendor.Hosts, Of(vendor.GivenUp)))],
        whatIf is null || change is null
            ? null
            : new Change(whatIf.Word, whatIf.Host, Of(change.Lost), Of(change.Gained), change.IdentityChanges),
        JsonNode.Parse(CpuidJson.Write(baseline)));

    private static HostShare Of(CpuidHostShare host) => new(
        host.Name,
        host.Vendor,
        [.. host.Costs.Select(cost => cost.Lost.Name)],
        host.SharedCosts,
        Of(host.Gain));

    private static LostThing Of(CpuidCost cost) => new(
        $"0x{cost.Lost.Leaf:x}",
        $"0x{cost.Lost.Subleaf:x}",
        cost.Lost.Register,
        cost.Lost.Bit,
        cost.Lost.Name,
        cost.Lost.A,
        cost.Lost.B,
        cost.Reason,
        cost.Hosts);

    private static ImmutableArray<DifferenceReport> Of(ImmutableArray<CpuidDifference> differences) =>
        [.. differences.Select(DifferenceReport.Of)];
}
