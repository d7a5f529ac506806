// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Cpu.Cpuid.Models;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Cpu.Tests.Cpuid.Formats;

/// <summary>No text, however broken, does more to a reader than make it say so.</summary>
/// <remarks>KVMACTORS_FUZZ_INPUTS sets how many (20,000 without it), KVMACTORS_FUZZ_SEED the seed of a run to
/// repeat.</remarks>
public sealed class CpuidFuzzTests(ITestOutputHelper output)
{
    private const int InputsUsual = 20_000;

    /// <summary>Parts that a byte-wise change would hardly ever make.</summary>
    private static readonly string[] s_words =
    [
        "0x", "0xffffffff", "0x100000000", "-1", "eax=", "edx=0x", "CPU", "CPU 1:", ":", "#", "# flags=0x",
        " padding=", "<", ">", "/>", "&", "&#0;", "&lt;", "<!--", "-->", "<![CDATA[", "]]>", "<!DOCTYPE x>",
        "<?xml", "<cpuid ", "<msr index='0x1' eax='0x0' edx='0x0'/>", "</cpudata>", "arch='x86'", "xmlns='a'",
        "xmlns:b='c'", "b:", "'", "\"", "{", "}", "[", "]", ",", "\\u", "\\ud800", "\ud800", "\uffff", "\0",
        "\n", "\r", "\u2028", "\uFEFF", "null", "1e999", "true", "\"leaf\"", "\"format\"",
        "\"cpuid_modifiers\"", "\"modifiers\":[]", "0b", "0bx_x", "_", "\"flags\":-1", "\"padding\":[1,2,3]",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    ];

    [Fact]
    public void A_mutated_file_of_any_form_is_read_or_refused_with_a_message()
    {
        int inputs = Number("KVMACTORS_FUZZ_INPUTS", InputsUsual);
        int seed = Number("KVMACTORS_FUZZ_SEED", Environment.TickCount);
        output.WriteLine($"KVMACTORS_FUZZ_SEED={seed} KVMACTORS_FUZZ_INPUTS={inputs}");
        string[] corpus = [.. Corpus()];
        Random random = new(seed);
        int read = 0;
        int refused = 0;
        for (int input = 0; input < inputs; input++)
        {
            string text = Mutate(corpus[random.Next(corpus.Length)], random);
            try
            {
                CpuidTable table = CpuidFile.Read(text);
                ExpectRoundTrip(table);
                read++;
            }
            catch (CpuidFormatException refusal)
            {
                Assert.False(string.IsNullOrWhiteSpace(refusal.Message));
                refused++;
            }
            catch (Exception fault)
            {
                output.WriteLine($"Input {input} of seed {seed}:\n{text}");
                throw new InvalidOperationException($"Input {input} of seed {seed}: {fault.Message}", fault);
            }
        }

        output.WriteLine($"{inputs} inputs: {read} read, {refused} refused, nothing else.");
        Assert.Equal(inputs, read + refused);
        Assert.True(read > 0 && refused > 0, "Expected mutations of both kinds, found one kind only.");
    }

    /// <summary>What was read can be written and read again: a table that a form does not hold is refused.</summary>
    private static void ExpectRoundTrip(CpuidTable table)
    {
        foreach (CpuidFormat format in Enum.GetValues<CpuidFormat>())
        {
            string written;
            try
            {
                written = CpuidFile.Write(table, format);
            }
            catch (CpuidFormatException)
            {
                Assert.NotEqual(CpuidFormat.Json, format);
                continue;
            }

            Assert.Equal(table, CpuidFile.Read(written));
        }
    }

    /// <summary>Small files of every form, so that a change hits something, and one large of each.</summary>
    private static IEnumerable<string> Corpus()
    {
        var small = CpuidTable.Of(SampleTables.Xeon.Entries.Take(3).Append(
            new CpuidEntry(7, 9, (CpuidEntryFlags)0x17, 1, 2, 3, 4)));
        var padded = CpuidTable.Of(small.Entries.Append(new CpuidEntry(9, 9, 0, 1, 2, 3, 4, 5, 6, 7)));
        foreach (CpuidFormat format in Enum.GetValues<CpuidFormat>())
        {
            for (int weight = 0; weight < 8; weight++)
            {
                yield return CpuidFile.Write(small, format);
            }

            yield return CpuidFile.Write(format == CpuidFormat.Firecracker ? small : padded, format);
            yield return CpuidFile.Write(CpuidModels.Find("x86-64-v4")!.Table, format);
        }

        yield return "CPU 0:\n" + CpuidText.Write(small)["CPU:\n".Length..] + "CPU 1:\n" + CpuidText.Write(small);
        yield return "<cpudata arch='x86'><msr index='0x10a' edx='0x0' eax='0x1'/></cpudata>";
        yield return "{\"cpuid_modifiers\":[{\"leaf\":\"0x1\",\"subleaf\":\"0x0\",\"flags\":0,\"modifiers\":["
            + "{\"register\":\"eax\",\"bitmap\":\"0bxx11_0000\"}]}],\"msr_modifiers\":[]}";
    }

    private static string Mutate(string text, Random random)
    {
        for (int change = random.Next(4); change >= 0; change--)
        {
            int at = random.Next(text.Length + 1);
            int length = Math.Min(random.Next(12), text.Length - at);
            text = random.Next(6) switch
            {
                0 => text.Remove(at, length),
                1 => text[..at] + (char)random.Next(random.Next(2) == 0 ? 0x80 : 0x10000) + text[at..],
                2 => text.Insert(at, text.Substring(random.Next(at + 1), Math.Min(length, at / 2))),
                3 => text[..at],
                4 => at == text.Length
                    ? text
                    : text[..at] + (char)(text[at] ^ (1 << random.Next(7))) + text[(at + 1)..],
                _ => text[..at] + s_words[random.Next(s_words.Length)] + text[(at + length)..],
            };
        }

        return text;
    }

    private static int Number(string variable, int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number)
            ? number
            : usual;
}
