// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Globalization;
using System.Text;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>cpuid query TABLE LEAF [SUBLEAF]</c></summary>
internal static class CpuidQueryVerb
{
    private const string Remarks = """
        Answers as the CPUID instruction of a guest with that table: the look-up with its rules for leaves that are
        missing or out of range, and the bits that follow the vCPU's state. That state is a vCPU's after reset, as KVM
        has it: CR4 = 0, XCR0 = 1, IA32_XSS = 0, IA32_APIC_BASE = 0xfee00900. So OSXSAVE and OSPKE are 0, APIC is 1,
        and EBX of leaf 0xd is 576.
        Numbers are decimal or 0x and hexadecimal. With - for LEAF, lines "LEAF [SUBLEAF]" come from standard input.
        """;

    /// <summary>A line of standard input is no longer than two numbers and a comment.</summary>
    private const int LineCharactersMax = 1024;

    private static readonly string[] s_examples =
    [
        "kvmactors cpuid query model:x86-64-v3 7",
        "kvmactors cpuid query dump.txt 0x80000008",
        "kvmactors cpuid query host 0xb 1",
        "seq 0 31 | kvmactors cpuid query dump.txt -",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> table = CpuidVerbs.TableArgument("TABLE");
        Argument<string> leaf = new("LEAF") { Description = "EAX of the instruction; - reads standard input" };
        Argument<string?> subleaf = new("SUBLEAF")
        {
            Description = "ECX of the instruction [default: 0]",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<bool> json = VerbOptions.Json("one object a line");
        VerbCommand verb = new("query", "Answer CPUID as a guest with a table reads it.", Remarks, s_examples)
        {
            table, leaf, subleaf, json,
        };
        verb.SetAction(parsed =>
        {
            string source = parsed.GetRequiredValue(table);
            string first = parsed.GetRequiredValue(leaf);
            string? second = parsed.GetValue(subleaf);
            if (first == "-" && (source == "-" || second is not null))
            {
                throw new CliFault(
                    "Expected - for LEAF alone, found it beside "
                    + (second is null ? "a table from standard input too." : $"the subleaf \"{second}\".")
                    + " Standard input gives either the table or the leaves.",
                    exitCode: CliFault.Usage);
            }

            Answers answers = new(
                CpuidTableSource.LoadDetails(source, terminal.Input).Table, parsed.GetValue(json), terminal);
            if (first == "-")
            {
                answers.PrintAll(terminal.Input);
            }
            else
            {
                answers.Print(Number(first, "LEAF"), Number(second ?? "0", "SUBLEAF"));
            }

            return 0;
        });
        return verb;
    }

    private static uint Number(string text, string what)
    {
        bool isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        bool reads = uint.TryParse(
            isHex ? text.AsSpan(2) : text,
            isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None,
            CultureInfo.InvariantCulture,
            out uint value);
        return reads
            ? value
            : throw new CliFault(
                $"Expected {what} as a decimal number or as 0x and hexadecimal digits, at most 0xffffffff, found "
                + $"\"{text}\". Write for example 0x80000008.",
                exitCode: CliFault.Usage);
    }

    private sealed class Answers(CpuidTable table, bool isJson, CliTerminal terminal)
    {
        public void Print(uint leaf, uint subleaf)
        {
            CpuidRegisters registers = table.Query(leaf, subleaf, CpuidRuntime.Reset);
            if (isJson)
            {
                CliJson.WriteLine(terminal.Out, new
                {
                    Leaf = Hex(leaf),
                    Subleaf = Hex(subleaf),
                    Eax = Hex(registers.Eax),
                    Ebx = Hex(registers.Ebx),
                    Ecx = Hex(registers.Ecx),
                    Edx = Hex(registers.Edx),
                });
                return;
            }

            terminal.Out.Write(CpuidText.Line(leaf, subleaf, registers) + "\n");
        }

        public void PrintAll(Stream input)
        {
            using StreamReader reader = new(input, Encoding.UTF8, leaveOpen: true);
            for (int number = 1; reader.ReadLine() is { } line; number++)
            {
                string[] words = line.Split('#')[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
                if (words.Length > 2 || line.Length > LineCharactersMax)
                {
                    throw new CliFault(
                        $"Standard input, line {number}: expected \"LEAF SUBLEAF\", found more than two words.");
                }

                if (words.Length > 0)
                {
                    string where = $"line {number} of standard input";
                    Print(Number(words[0], $"the leaf in {where}"), Number(words.ElementAtOrDefault(1) ?? "0", where));
                }
            }
        }

        private static string Hex(uint value) => $"0x{value:x8}";
    }
}
