// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Numerics;
using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Host.Cli;

namespace KvmActors.Host.Cpuid;

/// <summary>A whole table as a person reads it.</summary>
internal static class CpuidDecodeText
{
    private const int WidthOfPipe = 100;
    private const int WidthMin = 60;
    private const int WidthMax = 160;

    public static void Write(CpuidDecoding decoding, CliTerminal terminal)
    {
        WriteSummary(decoding, terminal);
        WriteCaches(decoding.Summary, terminal);
        WriteTopology(decoding.Summary, terminal);
        WriteXsave(decoding.Summary, terminal);
        WriteLeaves(decoding, terminal);
    }

    /// <summary>The numbers of the bits that are set, from the lowest up.</summary>
    public static IEnumerable<int> Bits(uint register)
    {
        for (; register != 0; register &= register - 1)
        {
            yield return BitOperations.TrailingZeroCount(register);
        }
    }

    private static void WriteSummary(CpuidDecoding decoding, CliTerminal terminal)
    {
        CpuidSummary summary = decoding.Summary;
        CpuidDecodedRegister[] registers = [.. decoding.Leaves.SelectMany(leaf => leaf.Registers)];
        FieldList fields = new();
        fields.Add("maker", summary.Maker);
        fields.Add("brand", summary.Brand);
        fields.Add(
            "version",
            $"family {summary.Family} (0x{summary.Family:x}), model {summary.Model} (0x{summary.Model:x}), "
            + $"stepping {summary.Stepping}");
        fields.Add("hypervisor", summary.Hypervisor);
        fields.Add("addresses", AddressesOf(summary));
        fields.Add("highest leaves", string.Join(
            ", ",
            ((uint?[])[summary.MaxBasicLeaf, summary.MaxExtendedLeaf]).Where(leaf => leaf is not null)
                .Select(leaf => $"0x{leaf:x}")));
        int unknown = registers.Sum(register => BitOperations.PopCount(register.Unknown));
        fields.Add("features", $"{registers.Sum(register => register.Features.Length)}");
        fields.Add("unknown bits", $"{unknown}");
        fields.Add("entries", $"{decoding.Leaves.Length}");
        fields.Write(terminal);
    }

    private static string AddressesOf(CpuidSummary summary)
    {
        if (summary.PhysicalBits == 0)
        {
            return "";
        }

        string guest = summary.GuestPhysicalBits == 0 ? "" : $", a nested guest's {summary.GuestPhysicalBits} bits";
        return $"physical {summary.PhysicalBits} bits, linear {summary.LinearBits} bits{guest}";
    }

    private static void WriteCaches(CpuidSummary summary, CliTerminal terminal)
    {
        if (summary.Caches.IsEmpty)
        {
            return;
        }

        TextTable table = new("CACHE", "KIND", "KIB", "WAYS", "LINE", "SETS", "SHARED BY IDS", "LEAF")
        {
            RightAligned = [2, 3, 4, 5, 6],
        };
        foreach (CpuidCache cache in summary.Caches)
        {
            table.Add(
                $"L{cache.Level}",
                cache.Kind,
                Number(cache.SizeBytes / 1024),
                cache.Ways == 0 ? "full" : Number(cache.Ways),
                Number(cache.LineBytes),
                Number(cache.Sets),
                cache.SharedByIds == 0 ? "-" : Number(cache.SharedByIds),
                $"0x{cache.Leaf:x}");
        }

        terminal.Out.WriteLine();
        table.Write(terminal);
    }

    private static void WriteTopology(CpuidSummary summary, CliTerminal terminal)
    {
        if (summary.Levels.IsEmpty)
        {
            return;
        }

        TextTable table = new("LEVEL", "ID BITS", "LOGICAL PROCESSORS", "LEAF") { RightAligned = [1, 2] };
        foreach (CpuidTopologyLevel level in summary.Levels)
        {
            table.Add(level.Kind, Number(level.IdShift), Number(level.LogicalProcessors), $"0x{level.Leaf:x}");
        }

        terminal.Out.WriteLine();
        table.Write(terminal);
    }

    private static void WriteXsave(CpuidSummary summary, CliTerminal terminal)
    {
        if (summary.Xsave is not { } xsave)
        {
            return;
        }

        TextTable table = new("XSAVE", "COMPONENT", "BYTES", "OFFSET", "SWITCHED BY", "COMPACTED")
        {
            RightAligned = [0, 2, 3],
        };
        foreach (CpuidXsaveComponent component in xsave.Components)
        {
            table.Add(
                Number(component.Number),
                component.Name,
                Number(component.Bytes),
                component.IsSupervisor ? "-" : Number(component.Offset),
                component.IsSupervisor ? "IA32_XSS" : "XCR0",
                component.IsAligned ? "at a multiple of 64" : "");
        }

        terminal.Out.WriteLine();
        table.Write(terminal);
        terminal.Out.WriteLine($"{xsave.BytesMax} bytes for all components of XCR0 (0x{xsave.Xcr0:x}).");
    }

    private static void WriteLeaves(CpuidDecoding decoding, CliTerminal terminal)
    {
        int width = terminal.IsOutTerminal ? Math.Clamp(Console.WindowWidth, WidthMin, WidthMax) : WidthOfPipe;
        foreach (CpuidDecodedLeaf leaf in decoding.Leaves.Where(leaf => !leaf.IsZero))
        {
            terminal.Out.WriteLine();
            terminal.Out.WriteLine(TitleOf(leaf));
            foreach (CpuidDecodedRegister register in leaf.Registers.Where(register => register.Value != 0))
            {
                WriteRegister(register, width, terminal);
            }
        }

        string[] zero = [.. decoding.Leaves.Where(leaf => leaf.IsZero).Select(NumberOf)];
        if (zero.Length > 0)
        {
            terminal.Out.WriteLine();
            terminal.Out.WriteLine("All zeros");
            WriteWrapped("  ", zero, width, terminal);
        }
    }

    private static string NumberOf(CpuidDecodedLeaf leaf)
    {
        bool hasSubleaves = CpuidLeaves.Of(leaf.Leaf)?.HasSubleaves == true || leaf.Subleaf != 0;
        return $"0x{leaf.Leaf:x}" + (hasSubleaves ? $".{leaf.Subleaf}" : "");
    }

    /// <summary>The leaf with its name, as a head line.</summary>
    public static string TitleOf(CpuidDecodedLeaf leaf)
    {
        string hidden = leaf.IsFound ? "" : " (an earlier entry hides this one)";
        return $"{NumberOf(leaf)}  {leaf.Title ?? "unknown leaf"}{hidden}";
    }

    private static void WriteRegister(CpuidDecodedRegister register, int width, CliTerminal terminal)
    {
        string[] fields =
        [
            .. register.Fields.Where(field => field.Raw != 0).Select((field, i) =>
                field.Field.IsFlag ? field.Field.Name : $"{field.Field.Name}={field.Text.Replace(' ', '\u00a0')}"),
        ];
        string name = $"  {register.Register.ToString().ToLowerInvariant()}  ";
        string blank = new(' ', name.Length);
        if (fields.Length > 0)
        {
            WriteWrapped(name, fields, width, terminal);
            name = blank;
        }

        if (register.Features.Length > 0)
        {
            WriteWrapped(name, [.. register.Features.Select(feature => feature.Name)], width, terminal);
            name = blank;
        }

        if (register.Unknown != 0)
        {
            string bits = Bits(register.Unknown).Count() == 1 ? "bit" : "bits";
            string[] words = [.. Bits(register.Unknown).Select(Number)];
            string[] all = register.Unknown == register.Value && words.Length > 8
                ? [$"unknown\u00a00x{register.Unknown:x8}"]
                : [$"unknown\u00a0{bits}", .. words];
            WriteWrapped(name, all, width, terminal);
        }
    }

    private static void WriteWrapped(string indent, string[] words, int width, CliTerminal terminal)
    {
        string blank = new(' ', indent.Length);
        string line = indent.TrimEnd().Length == 0 ? blank : indent;
        bool isFresh = true;
        foreach (string word in words)
        {
            if (!isFresh && line.Length + 1 + word.Length > width)
            {
                terminal.Out.WriteLine(line.Replace('\u00a0', ' '));
                (line, isFresh) = (blank, true);
            }

            line += isFresh ? word : $" {word}";
            isFresh = false;
        }

        terminal.Out.WriteLine(line.Replace('\u00a0', ' '));
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
