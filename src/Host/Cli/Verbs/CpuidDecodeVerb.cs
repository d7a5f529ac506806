// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Globalization;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Host.Cpuid;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>cpuid decode [SOURCE]</c></summary>
internal static class CpuidDecodeVerb
{
    private const string Remarks = """
        First what a person asks first: maker, brand, family, caches, topology, address widths, XSAVE. Then every leaf:
        fields with their values (those that are 0 are left out), features that are set, and bits that are set and have
        no name, as "unknown". With --leaf, every name of one leaf, set or not, with what it means.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors cpuid decode",
        "kvmactors cpuid decode samples/cpuid/amd-epyc-9334.txt",
        "kvmactors cpuid decode model:x86-64-v3 --leaf 7",
        "kvmactors cpuid decode dump.txt --leaf 0xd.1 --json",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> source = new("SOURCE")
        {
            Description = $"A table: {CpuidTableSource.Words}; - is standard input",
            Arity = ArgumentArity.ZeroOrOne,
            DefaultValueFactory = _ => CpuidTableSource.Host,
        };
        Option<(uint Leaf, uint? Subleaf)?> leaf = LeafOption();
        Option<bool> json = VerbOptions.Json("every register with its fields and features");
        VerbCommand verb = new("decode", "Say a table in words.", Remarks, s_examples)
        {
            source, leaf, json,
        };
        verb.SetAction(parsed =>
        {
            string word = parsed.GetValue(source) ?? CpuidTableSource.Host;
            CpuidTable table = CpuidTableSource.LoadDetails(word, terminal.Input).Table;
            CpuidDecoding decoding = CpuidDecoder.Decode(table);
            if (parsed.GetValue(leaf) is { } only)
            {
                CpuidDecodedLeaf[] leaves = [.. decoding.Leaves.Where(
                    found => found.Leaf == only.Leaf && (only.Subleaf is not { } sub || found.Subleaf == sub))];
                Refuse(only, leaves.Length);
                decoding = decoding with { Leaves = [.. leaves] };
            }

            if (parsed.GetValue(json))
            {
                CliJson.Write(terminal.Out, CpuidDecodeReport.Of(decoding));
            }
            else if (parsed.GetValue(leaf) is not null)
            {
                CpuidLeafText.Write(decoding, terminal);
            }
            else
            {
                CpuidDecodeText.Write(decoding, terminal);
            }

            return 0;
        });
        return verb;
    }

    private static Option<(uint Leaf, uint? Subleaf)?> LeafOption() => new("--leaf")
    {
        Description = "Only this leaf, or one subleaf of it, with every name and its meaning",
        HelpName = "LEAF[.SUBLEAF]",
        CustomParser = result =>
        {
            string text = result.Tokens[^1].Value;
            string[] parts = text.Split('.');
            if (parts.Length <= 2 && TryNumber(parts[0], out uint leaf) && TryNumber(parts[^1], out uint subleaf))
            {
                return (leaf, parts.Length == 2 ? subleaf : null);
            }

            result.AddError(
                $"Expected LEAF or LEAF.SUBLEAF for --leaf, found \"{text}\". Write for example 7, 7.1 or 0x80000008.");
            return null;
        },
    };

    private static void Refuse((uint Leaf, uint? Subleaf) only, int found)
    {
        if (found == 0)
        {
            string subleaf = only.Subleaf is { } sub ? $", subleaf {sub}" : "";
            throw new CliFault(
                $"Expected a table with leaf 0x{only.Leaf:x}{subleaf}, found one without. "
                + "Leave --leaf out to see all there are.");
        }
    }

    private static bool TryNumber(string text, out uint value)
    {
        bool isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return uint.TryParse(
            isHex ? text.AsSpan(2) : text,
            isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None,
            CultureInfo.InvariantCulture,
            out value);
    }
}
