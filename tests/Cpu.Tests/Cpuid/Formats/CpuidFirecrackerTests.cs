// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;
using Xunit;

namespace KvmActors.Cpu.Tests.Cpuid.Formats;

/// <summary>Templates as Firecracker reads and applies them.</summary>
public sealed class CpuidFirecrackerTests
{
    private const string Template = """
        {
          "kvm_capabilities": ["!56"],
          "cpuid_modifiers": [
            { "leaf": "0x7", "subleaf": "0x0", "flags": 1,
              "modifiers": [
                { "register": "ebx", "bitmap": "0bxxxx_xxxx_xxxx_xx00_xxxx_xxxx_xx1x_xxx1" },
                { "register": "ecx", "bitmap": "0b10" } ] },
            { "leaf": "0b1101", "subleaf": "0x1", "flags": 1, "modifiers": [] }
          ],
          "msr_modifiers": [ { "addr": "0x10a", "bitmap": "0b0" } ]
        }
        """;

    private static readonly CpuidTable s_base = CpuidTable.Of([
        new CpuidEntry(7, 0, CpuidEntryFlags.None, 2, 0xFFFF_FFFE, 0xFFFF_FFFD, 5),
        new CpuidEntry(0xD, 1, CpuidEntryFlags.None, 1, 2, 3, 4)]);

    [Fact]
    public void A_bit_of_x_and_a_bit_above_the_bitmap_stay_as_the_host_has_them()
    {
        CpuidTable applied = CpuidFirecracker.Apply(Template, s_base);

        Assert.Equal(
            new[]
            {
                new CpuidEntry(7, 0, CpuidEntryFlags.SignificantIndex, 2, 0xFFFC_FFFF, 0xFFFF_FFFE, 5),
                new CpuidEntry(0xD, 1, CpuidEntryFlags.SignificantIndex, 1, 2, 3, 4),
            },
            applied.Entries.ToArray());
    }

    [Fact]
    public void A_whole_table_applied_to_itself_changes_nothing()
    {
        string whole = CpuidFirecracker.Write(SampleTables.Epyc);

        Assert.Equal(SampleTables.Epyc, CpuidFirecracker.Apply(whole, SampleTables.Epyc));
        Assert.Empty(CpuidFile.ReadDetails(whole).LeftOut);
    }

    [Fact]
    public void A_template_that_leaves_bits_to_the_host_is_no_table()
    {
        CpuidFormatException thrown = Assert.Throws<CpuidFormatException>(() => CpuidFile.Read(Template));

        Assert.Equal(
            "line 4, cpuid_modifiers[0]: expected eax, ebx, ecx and edx with 32 bits of 0 and 1 each, found bits that "
            + "are left to the host. Apply the template to a table.",
            thrown.Message);
    }

    [Fact]
    public void A_leaf_that_the_table_lacks_is_refused_as_firecracker_refuses_it() => Assert.Equal(
        "line 8, cpuid_modifiers[1]: expected leaf 0xd subleaf 0x1 in the table to change, found no such entry.",
        Assert.Throws<CpuidFormatException>(
            () => CpuidFirecracker.Apply(Template, CpuidTable.Of(s_base.Entries.Take(1)))).Message);

    // The text pins the form that Firecracker reads.
    [Fact]
    public void A_table_is_written_as_this_text() => Assert.Equal(
        """{"cpuid_modifiers":[{"leaf":"0x80000001","subleaf":"0x0","flags":0,"modifiers":["""
        + """{"register":"eax","bitmap":"0b00000000000000000000000000000001"},"""
        + """{"register":"ebx","bitmap":"0b11111111111111111111111111111111"},"""
        + """{"register":"ecx","bitmap":"0b00000000000000000000000000000000"},"""
        + """{"register":"edx","bitmap":"0b10000000000000000000000000000000"}]}]}""",
        CpuidFirecracker.Write(CpuidTable.Of([new CpuidEntry(0x8000_0001, 0, 0, 1, 0xFFFF_FFFF, 0, 0x8000_0000)]))
            .Replace("\n", "").Replace(" ", ""));

    [Theory]
    [InlineData("0b", "2-1", ".bitmap: expected a string of 0b and one to 32 of 0, 1 and x, with _ between, found")]
    [InlineData("0b2", "eax", ".bitmap: expected a string of 0b and one to 32 of 0, 1 and x, with _ between, found")]
    [InlineData("0b000000000000000000000000000000000", "eax", ".bitmap: expected a string of 0b and one to 32 of 0")]
    [InlineData("0b0", "rax", ".register: expected \"eax\", \"ebx\", \"ecx\" or \"edx\", found \"rax\".")]
    public void A_modifier_that_does_not_read_is_refused_at_its_place(string bitmap, string register, string message)
    {
        string text = "{\"cpuid_modifiers\":[{\"leaf\":\"0x1\",\"subleaf\":\"0x0\",\"flags\":0,\"modifiers\":[\n"
            + "{\"register\":\"" + register.Replace("2-1", "eax") + "\",\"bitmap\":\"" + bitmap + "\"}]}]}";

        CpuidFormatException thrown = Assert.Throws<CpuidFormatException>(() => CpuidFirecracker.Read(text));

        Assert.StartsWith(
            "line 2, cpuid_modifiers[0].modifiers[0]" + message, thrown.Message, StringComparison.Ordinal);
    }
}
