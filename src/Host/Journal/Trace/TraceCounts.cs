// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using KvmActors.Host.Cli;

namespace KvmActors.Host.Journal.Trace;

/// <summary>What <c>journal trace --count</c> prints.</summary>
/// <param name="CostlessSteps">Deliveries, patched hypercall sites and the like: what costs no VM time.</param>
internal sealed record TraceCounts(
    string From,
    string To,
    ulong Instructions,
    ulong CostlessSteps,
    ulong ConsoleBytes,
    ImmutableArray<TraceCount> Vcpus,
    ImmutableArray<TraceCount> Mnemonics,
    ImmutableArray<TraceCount> Deliveries,
    ImmutableArray<TraceCount> Events,
    ImmutableArray<TraceHotSpot> Hottest)
{
    private const int MnemonicsShownMax = 20;

    public void Write(TextWriter target)
    {
        target.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Instructions:N0} instructions from {From} to {To}, {CountText.Of(CostlessSteps, "step")} without cost, "
            + $"{CountText.Of(ConsoleBytes, "console byte")}."));
        Write(target, "By vCPU", Vcpus, int.MaxValue);
        Write(target, "By mnemonic", Mnemonics, MnemonicsShownMax);
        Write(target, "Delivered", Deliveries, int.MaxValue);
        Write(target, "Journaled", Events, int.MaxValue);
        if (!Hottest.IsEmpty)
        {
            target.WriteLine("Hottest addresses");
            foreach (TraceHotSpot spot in Hottest)
            {
                target.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {spot.Count,15:N0}  {Share(spot.Count),6}  {spot.Address,-18}  {spot.Instruction}"));
            }
        }
    }

    private void Write(TextWriter target, string head, ImmutableArray<TraceCount> counts, int shownMax)
    {
        if (counts.IsEmpty)
        {
            return;
        }

        target.WriteLine(head);
        foreach (TraceCount each in counts.Take(shownMax))
        {
            target.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"  {each.Count,15:N0}  {Share(each.Count),6}  {each.Name}"));
        }

        if (counts.Length > shownMax)
        {
            ulong rest = counts.Skip(shownMax).Aggregate(0ul, (sum, each) => sum + each.Count);
            target.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"  {rest,15:N0}  {Share(rest),6}  {counts.Length - shownMax} others"));
        }
    }

    private string Share(ulong count) => Instructions == 0
        ? ""
        : string.Create(CultureInfo.InvariantCulture, $"{100.0 * count / Instructions:0.0} %");
}

/// <summary>How often something was.</summary>
internal sealed record TraceCount(string Name, ulong Count);

/// <summary>How often one instruction was executed.</summary>
internal sealed record TraceHotSpot(string Address, ulong Count, string Instruction);
