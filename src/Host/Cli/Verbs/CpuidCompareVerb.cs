// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using KvmActors.Cpu.Cpuid.Fleet;
using KvmActors.Host.Fleet;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>cpuid compare A B</c></summary>
internal static class CpuidCompareVerb
{
    private const string Remarks = """
        The relation is what A is to B: identical, superset (A offers all that B does, and more), subset, or
        incompatible. Features, address widths and other numbers, XSAVE's components with place and size decide.
        Identity, topology, caches, limits, platform and hypervisor leaves are told as notes and do not. docs/fleet.md
        has every rule.

        Exit code: 0, whatever the relation.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors cpuid compare old-host.txt new-host.txt",
        "kvmactors cpuid compare host model:x86-64-v3 --json",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> a = CpuidVerbs.TableArgument("A");
        Argument<string> b = CpuidVerbs.TableArgument("B");
        Option<bool> json = VerbOptions.Json("relation and differences");
        VerbCommand verb = new("compare", "Tell what one CPUID table has that another has not.", Remarks, s_examples)
        {
            a, b, json,
        };
        verb.SetAction(parsed =>
        {
            (string wordA, string wordB) = (parsed.GetRequiredValue(a), parsed.GetRequiredValue(b));
            CpuidTableSource.RefuseTwoInputs([wordA, wordB]);
            var comparison = CpuidComparison.Of(
                CpuidTableSource.LoadDetails(wordA, terminal.Input).Table,
                CpuidTableSource.LoadDetails(wordB, terminal.Input).Table);
            if (parsed.GetValue(json))
            {
                CliJson.Write(terminal.Out, ComparisonReport.Of(wordA, wordB, comparison));
            }
            else
            {
                Print(wordA, wordB, comparison, terminal);
            }

            return 0;
        });
        return verb;
    }

    private static void Print(string a, string b, CpuidComparison comparison, CliTerminal terminal)
    {
        int Of(CpuidDirection direction) =>
            comparison.Differences.Count(difference => difference.Direction == direction);

        string relation = comparison.Relation switch
        {
            CpuidRelation.Identical => "identical: what decides is the same in both",
            CpuidRelation.Superset => $"superset: A has {FleetText.Things(Of(CpuidDirection.OnlyA))} that B has not",
            CpuidRelation.Subset => $"subset: B has {FleetText.Things(Of(CpuidDirection.OnlyB))} that A has not",
            CpuidRelation.Incompatible => $"incompatible: A has {FleetText.Things(Of(CpuidDirection.OnlyA))} more, "
                + $"B {FleetText.Things(Of(CpuidDirection.OnlyB))}, and {FleetText.Things(Of(CpuidDirection.Differs))} "
                + "they have otherwise",
        };
        FieldList head = new();
        head.Add("A", a);
        head.Add("B", b);
        head.Add("relation", relation);
        head.Write(terminal);
        if (!comparison.Differences.IsEmpty)
        {
            terminal.Out.WriteLine();
            TextTable table = new("MORE", "NAME", "WHERE", "A", "B") { RightAligned = [3, 4] };
            foreach (CpuidDifference difference in comparison.Differences)
            {
                string more = difference.Direction switch
                {
                    CpuidDirection.OnlyA => "A",
                    CpuidDirection.OnlyB => "B",
                    CpuidDirection.Differs => "differs",
                };
                table.Add(
                    more,
                    FleetText.Name(difference),
                    difference.Place,
                    FleetText.Value(difference, difference.A),
                    FleetText.Value(difference, difference.B));
            }

            table.Write(terminal);
        }

        if (!comparison.Notes.IsEmpty)
        {
            terminal.Out.WriteLine();
            terminal.Out.WriteLine("These differ too, and decide nothing:");
            FieldList notes = new();
            foreach ((string rule, string what) in FleetText.Notes(comparison.Notes))
            {
                notes.Add($"  {rule}", what);
            }

            notes.Write(terminal);
        }
    }
}
