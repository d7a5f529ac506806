// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Fleet;
using KvmActors.Host.Cli;

namespace KvmActors.Host.Fleet;

/// <summary>What <c>cpuid baseline</c> tells people about a pool.</summary>
internal static class BaselineText
{
    public static void Explain(
        ImmutableArray<CpuidHost> hosts,
        CpuidTable baseline,
        CpuidBaselineExplanation explanation,
        CliTerminal terminal)
    {
        terminal.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Baseline of {Hosts(hosts.Length)}, {CountText.Of(baseline.Entries.Length, "entry", "entries")}, with "
            + $"the identity of {hosts[0].Name}. Some host offers {FleetText.Things(explanation.Costs.Length)} that "
            + $"the pool does not."));
        if (!explanation.Costs.IsEmpty)
        {
            terminal.Out.WriteLine();
            TextTable lost = new("LOST", "WHERE", "BECAUSE");
            foreach (CpuidCost cost in explanation.Costs)
            {
                string what = cost.Lost.Rule == CpuidRule.Numbers
                    ? FleetText.Change(cost.Lost)
                    : FleetText.Name(cost.Lost);
                lost.Add(what, cost.Lost.Place, Because(cost, hosts.Length));
            }

            lost.Write(terminal);
        }

        terminal.Out.WriteLine();
        TextTable shares = new("HOST", "VENDOR", "COSTS ALONE", "WITH OTHERS", "IF IT LEFT, THE POOL WOULD GAIN")
        {
            RightAligned = [2, 3],
        };
        foreach (CpuidHostShare host in explanation.Hosts)
        {
            shares.Add(
                host.Name,
                host.Vendor,
                Count(host.Costs.Length),
                Count(host.SharedCosts),
                hosts.Length == 1 ? "-" : FleetText.Some([.. host.Gain.Select(FleetText.Change)]));
        }

        shares.Write(terminal);
    }

    public static void Change(FleetWhatIf whatIf, int hosts, CpuidPoolChange change, CliTerminal terminal)
    {
        string how = whatIf.Word == FleetWhatIf.Add
            ? $"If {FleetHosts.NameOf(whatIf.Host)} joins {Hosts(hosts)}"
            : $"If {FleetHosts.NameOf(whatIf.Host)} leaves the {Hosts(hosts)}";
        terminal.Out.WriteLine(
            $"{how}, the pool loses {FleetText.Things(change.Lost.Length)} and gains "
            + $"{FleetText.Things(change.Gained.Length)}.");
        if (change.IdentityChanges)
        {
            terminal.Out.WriteLine("Vendor, family, model or name become those of another host.");
        }

        if (change.Lost.IsEmpty && change.Gained.IsEmpty)
        {
            return;
        }

        terminal.Out.WriteLine();
        TextTable table = new("CHANGE", "NAME", "WHERE");
        foreach ((string word, CpuidDifference what) in change.Lost.Select(lost => ("lost", lost))
            .Concat(change.Gained.Select(gained => ("gained", gained))))
        {
            string name = what.Rule == CpuidRule.Numbers ? FleetText.Change(what) : FleetText.Name(what);
            table.Add(word, name, what.Place);
        }

        table.Write(terminal);
    }

    public static void GivenUp(CpuidHost first, ImmutableArray<CpuidVendorLoss> vendors, CliTerminal terminal)
    {
        terminal.Out.WriteLine();
        terminal.Out.WriteLine($"Across vendors, a guest sees {first.Table.Vendor} everywhere. Given up:");
        FieldList fields = new();
        foreach (CpuidVendorLoss vendor in vendors)
        {
            fields.Add(
                $"  {vendor.Vendor}, {Hosts(vendor.Hosts)}",
                FleetText.Some([.. vendor.GivenUp.Select(FleetText.Change)]));
        }

        fields.Write(terminal);
        terminal.Out.WriteLine(
            "Safe: every feature that is left, on every host; and hypercalls, which are patched to the host's own.");
        terminal.Out.WriteLine(
            "Not safe: what a guest concludes from the vendor's name alone, such as that vendor's MSRs and errata.");
    }

    private static string Because(CpuidCost cost, int hosts)
    {
        string who = cost.Hosts.Length == hosts && hosts > 1 ? "all hosts" : FleetText.Some(cost.Hosts);
        bool isOne = cost.IsOfOneHost;
        return cost.Reason switch
        {
            CpuidCostReason.Lacks => $"{who} {(isOne ? "lacks" : "lack")} it",
            CpuidCostReason.Smallest => $"{who} {(isOne ? "has" : "have")} the least",
            CpuidCostReason.Differs => isOne ? $"{who} has it otherwise" : $"{who} have it each otherwise",
        };
    }

    private static string Hosts(int count) => CountText.Of(count, "host");

    private static string Count(int count) => count.ToString(CultureInfo.InvariantCulture);
}
