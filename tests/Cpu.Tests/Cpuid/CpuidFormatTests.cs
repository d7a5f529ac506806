// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Cpu.Cpuid.Names;
using Xunit;

namespace KvmActors.Cpu.Tests.Cpuid;

/// <summary>The text of the cpuid program and our JSON.</summary>
public sealed class CpuidFormatTests
{
    private const string Line = "0x00000000 0x00: eax=0x00000001 ebx=0x756e6547 ecx=0x6c65746e edx=0x49656e69";

    [Theory]
    [InlineData("amd-epyc-9334.txt")]
    [InlineData("intel-xeon-platinum-9242.txt")]
    public void A_sample_is_written_as_it_was_read(string file)
    {
        string text = SampleTables.Text(file);

        string written = CpuidText.Write(CpuidText.Read(text));

        Assert.Equal(text.Split('\n').Where(line => !line.StartsWith('#')), written.Split('\n'));
    }

    [Fact]
    public void The_samples_say_who_they_are()
    {
        Assert.Equal("AuthenticAMD", SampleTables.Epyc.Vendor);
        Assert.Equal("GenuineIntel", SampleTables.Xeon.Vendor);
        Assert.True(SampleTables.Epyc.Has(CpuidFeatures.Named("svm")));
        Assert.True(SampleTables.Xeon.Has(CpuidFeatures.Named("vmx")));
        Assert.Equal(0x20u, SampleTables.Epyc.Find(7, 1)!.Value.Eax);
        Assert.Null(SampleTables.Epyc.Find(7, 2));
    }

    [Fact]
    public void The_cpus_of_a_whole_machine_are_told_apart()
    {
        string text = $"CPU 0:\n   {Line}\nCPU 1:\r\n\t{Line.Replace("eax=0x00000001", "eax=0x00000002")}\n\n# end\n";

        IReadOnlyList<CpuidTable> tables = CpuidText.ReadAll(text);

        Assert.Equal([1u, 2u], tables.Select(table => table.Entries[0].Eax));
        Assert.Equal(tables[0], CpuidText.Read(text));
    }

    [Theory]
    [InlineData("", 1, "a line '0x00000000 0x00: eax=0x… ebx=0x… ecx=0x… edx=0x…', found the end of the text.")]
    [InlineData("CPU:\n 0x0 0x0: eax=1", 2, "eax=0x followed by hexadecimal digits, found 'eax=1'.")]
    [InlineData("hello", 1, "a leaf as 0x00000000, found 'hello'.")]
    [InlineData("0x1 0x0: eax=0x123456789", 1, "eax=0x followed by hexadecimal digits, found 'eax=0x123456789'.")]
    [InlineData("0x1", 1, "a subleaf as 0x00, found the end of the line.")]
    [InlineData("0 0", 1, "a leaf as 0x00000000, found '0'.")]
    [InlineData("0x1 0x0: eax=0x1 ebx=0x1 ecx=0x1 edx=0x1 more", 1, "the end of the line after edx, found 'more'.")]
    public void A_line_that_does_not_read_is_named_with_what_was_expected_and_found(
        string text, int line, string message)
    {
        CpuidFormatException thrown = Assert.Throws<CpuidFormatException>(() => CpuidText.Read(text));

        Assert.Equal($"line {line}: expected {message}", thrown.Message);
        Assert.Equal(line, thrown.Line);
    }

    [Fact]
    public void A_cpu_of_more_than_256_entries_is_refused_at_its_line()
    {
        string text = string.Join('\n', Enumerable.Repeat(Line, 257));

        Assert.Equal(257, Assert.Throws<CpuidFormatException>(() => CpuidText.Read(text)).Line);
    }

    [Fact]
    public void Json_keeps_order_duplicates_flags_and_padding()
    {
        var table = CpuidTable.Of([
            new CpuidEntry(2, 7, (CpuidEntryFlags)0xDEAD_BEE7, 1, 2, 3, 4, 5, 6, 7),
            new CpuidEntry(0, 0, CpuidEntryFlags.None, 0xFFFF_FFFF, 0, 0, 0),
            new CpuidEntry(2, 7, CpuidEntryFlags.None, 9, 9, 9, 9)]);

        Assert.Equal(table, CpuidJson.Read(CpuidJson.Write(table)));
        Assert.Equal(SampleTables.Epyc, CpuidJson.Read(CpuidJson.Write(SampleTables.Epyc)));
    }

    // Pins the form. If this fails, files that people keep may not read: raise the version, do not edit the text.
    [Fact]
    public void Json_is_this_text()
    {
        var table = CpuidTable.Of([new CpuidEntry(7, 1, CpuidEntryFlags.SignificantIndex, 0x20, 0, 0, 0xABC)]);

        string expected = """
            {
              "format": "kvmactors-cpuid",
              "version": 1,
              "entries": [
                {
                  "leaf": "0x00000007",
                  "subleaf": "0x00000001",
                  "flags": "0x00000001",
                  "eax": "0x00000020",
                  "ebx": "0x00000000",
                  "ecx": "0x00000000",
                  "edx": "0x00000abc"
                }
              ]
            }

            """;
        Assert.Equal(expected, CpuidJson.Write(table));
    }

    [Theory]
    [InlineData("{", "line 1: expected JSON")]
    [InlineData("[]", "document: expected an object, found Array.")]
    [InlineData("{}", "document: expected a member 'format', found none.")]
    [InlineData("{'format':'x','version':1,'entries':[]}", "format: expected 'kvmactors-cpuid', found 'x'.")]
    [InlineData("{'format':'kvmactors-cpuid','version':2,'entries':[]}", "version: expected 1, the only version")]
    [InlineData("[{'leaf':'0x1'}]", "entries[0]: expected a member 'eax', found none.")]
    [InlineData("[{'leaf':1}]", "entries[0].leaf: expected a string of 0x and one to eight hexadecimal digits, found")]
    [InlineData("[{'leaf':'1'}]", "entries[0].leaf: expected a string of 0x and one to eight hexadecimal digits, fo")]
    [InlineData("[{'ebp':1}]", "entries[0]: expected only leaf, subleaf, flags, eax, ebx, ecx, edx, padding, found")]
    public void Json_that_is_not_this_form_is_refused_and_the_place_is_named(string json, string message)
    {
        string document = json.StartsWith("[{", StringComparison.Ordinal)
            ? "{'format':'kvmactors-cpuid','version':1,'entries':" + json + "}"
            : json;

        CpuidFormatException thrown =
            Assert.Throws<CpuidFormatException>(() => CpuidJson.Read(document.Replace('\'', '"')));

        Assert.Contains(message, thrown.Message.Replace('"', '\''), StringComparison.Ordinal);
        Assert.Equal(1, thrown.Line);
    }
}
