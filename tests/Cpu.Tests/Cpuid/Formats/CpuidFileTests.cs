// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;
using Xunit;

namespace KvmActors.Cpu.Tests.Cpuid.Formats;

/// <summary>Every form holds a table whole or refuses it.</summary>
public sealed class CpuidFileTests
{
    /// <summary>Flags that the forms without flags do not give by themselves, padding, and a duplicate.</summary>
    private static readonly CpuidTable s_odd = CpuidTable.Of([
        new CpuidEntry(0, 0, CpuidEntryFlags.None, 7, 0x756E_6547, 0x6C65_746E, 0x4965_6E69),
        new CpuidEntry(2, 0, CpuidEntryFlags.StatefulFunction | CpuidEntryFlags.StateReadNext, 2, 1, 1, 1),
        new CpuidEntry(2, 0, CpuidEntryFlags.StatefulFunction, 2, 2, 2, 2),
        new CpuidEntry(7, 0, CpuidEntryFlags.None, 1, 2, 3, 4),
        new CpuidEntry(7, 0xFFFF_FFFF, (CpuidEntryFlags)0xDEAD_BEE7, 1, 2, 3, 4, 5, 6, 0xFFFF_FFFF)]);

    [Theory]
    [InlineData(CpuidFormat.Raw)]
    [InlineData(CpuidFormat.Json)]
    [InlineData(CpuidFormat.Libvirt)]
    public void These_forms_keep_order_duplicates_flags_and_padding(CpuidFormat format)
    {
        string text = CpuidFile.Write(s_odd, format);

        Assert.Equal(format, CpuidFile.ReadDetails(text).Format);
        Assert.Equal(s_odd, CpuidFile.Read(text));
        Assert.Equal(s_odd, CpuidFile.Read('\uFEFF' + text.Replace("\n", "\r\n")));
    }

    [Fact]
    public void A_template_keeps_flags_and_order_but_refuses_what_it_cannot_hold()
    {
        var flagged = CpuidTable.Of(s_odd.Entries.Where((_, position) => position is 1 or 3));
        var twice = CpuidTable.Of(s_odd.Entries.Where((_, position) => position is 1 or 2));
        var padded = CpuidTable.Of(s_odd.Entries.Where((_, position) => position == 4));

        Assert.Equal(flagged, CpuidFile.Read(CpuidFile.Write(flagged, CpuidFormat.Firecracker)));
        Assert.Equal(
            "leaf 0x2 subleaf 0x0: expected one entry without padding, as a Firecracker template holds it, found a "
            + "second one. The form json keeps both.",
            Assert.Throws<CpuidFormatException>(() => CpuidFirecracker.Write(twice)).Message);
        Assert.Contains(
            "found padding.", Assert.Throws<CpuidFormatException>(() => CpuidFirecracker.Write(padded)).Message);
    }

    [Fact]
    public void A_table_without_entries_is_held_by_all_but_raw_text()
    {
        Assert.All(
            [CpuidFormat.Json, CpuidFormat.Libvirt, CpuidFormat.Firecracker],
            format => Assert.Equal(CpuidTable.Empty, CpuidFile.Read(CpuidFile.Write(CpuidTable.Empty, format))));
        Assert.Throws<CpuidFormatException>(() => CpuidText.Write(CpuidTable.Empty));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void One_cpu_of_several_is_chosen_by_its_heading(int cpu)
    {
        const string Entry = "   0x00000000 0x00: eax=0x0000000{0} ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n";
        string text = "CPU 0:\n" + Entry.Replace("{0}", "0") + "CPU 7:\n" + Entry.Replace("{0}", "7");

        Assert.Equal((uint)cpu, CpuidFile.ReadDetails(text, cpu).Table.Entries[0].Eax);
        Assert.Equal(
            "expected a heading 'CPU 1:', found 2 CPUs from 0 to 7.",
            Assert.Throws<CpuidFormatException>(() => CpuidText.Read(text, 1)).Message);
        Assert.Contains(
            "expected raw text to take CPU 1 from",
            Assert.Throws<CpuidFormatException>(
                () => CpuidFile.ReadDetails(CpuidLibvirt.Write(s_odd), 1)).Message);
    }

    [Theory]
    [InlineData("CPU zero:\n", "line 1: expected a heading 'CPU:' or 'CPU 0:', found 'CPU zero:'.")]
    [InlineData("\n 0x0 0x0: eax=0x0 ebx=0x0 ecx=0x0 edx=0x0 # flags=1", "line 2: expected flags=0x followed by")]
    [InlineData("0x0 0x0: eax=0x0 ebx=0x0 ecx=0x0 edx=0x0 # flags=0x1 padding=0x1", "line 1: expected padding=0x0,")]
    public void A_raw_text_is_refused_at_its_line(string text, string message) => Assert.StartsWith(
        message, Assert.Throws<CpuidFormatException>(() => CpuidFile.Read(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Libvirts_msrs_are_reported_and_left_out()
    {
        CpuidFileReading read = CpuidFile.ReadDetails("""
            <!-- Intel(R) Xeon(R) -->
            <cpudata arch='x86'>
              <cpuid eax_in='0x00000007' ecx_in='0x00' eax='0x00000000' ebx='0x00000001' ecx='0x2' edx='0x3'/>
              <msr index='0x10a' edx='0x00000001' eax='0x0c04c8e0'/>
            </cpudata>
            """);

        Assert.Equal("MSR 0x10a = 0x000000010c04c8e0", Assert.Single(read.LeftOut));
        Assert.Equal(new CpuidEntry(7, 0, CpuidEntryFlags.SignificantIndex, 0, 1, 2, 3), read.Table.Entries.Single());
    }

    [Theory]
    [InlineData("<cpudata>\n<cpuid eax_in='1'/></cpudata>", "line 2: expected eax_in as 0x and one to eight hexadecim")]
    [InlineData("<cpudata>\n<cpuid eax_in='0x1'/></cpudata>", "line 2: expected eax as 0x and one to eight hexadecim")]
    [InlineData("<cpudata>\n<cpu/></cpudata>", "line 2: expected <cpuid> or <msr>, found 'cpu'.")]
    [InlineData("<cpudata arch='ppc64'/>", "line 1: expected arch='x86', found 'ppc64'.")]
    [InlineData("\n<cpu/>", "line 2: expected <cpudata arch='x86'>, found <cpu>.")]
    [InlineData("<cpudata>", "line 1: expected XML, found")]
    [InlineData("<cpudata/><cpudata/>", "line 1: expected XML, found")]
    [InlineData("<!DOCTYPE x [<!ENTITY e 'x'>]>\n<cpudata>&e;</cpudata>", "line 1: expected XML, found 'For secur")]
    [InlineData("<cpudata>text</cpudata>", "line 1: expected an element, found Text.")]
    public void An_xml_that_is_not_this_form_is_refused_at_its_line(string text, string message) => Assert.StartsWith(
        message, Assert.Throws<CpuidFormatException>(() => CpuidFile.Read(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_document_with_too_many_entries_is_refused_in_every_form()
    {
        const string Line = "0x0 0x0: eax=0x0 ebx=0x0 ecx=0x0 edx=0x0\n";
        const string Element = "<cpuid eax_in='0x0' eax='0x0' ebx='0x0' ecx='0x0' edx='0x0'/>";
        const string Change = "{\"leaf\":\"0x1\",\"subleaf\":\"0x0\",\"flags\":0,\"modifiers\":[]}";
        string[] texts =
        [
            string.Concat(Enumerable.Repeat(Line, 257)),
            "<cpudata>" + string.Concat(Enumerable.Repeat(Element, 257)) + "</cpudata>",
            "{\"cpuid_modifiers\":[" + string.Join(',', Enumerable.Repeat(Change, 257)) + "]}",
        ];

        Assert.All(texts, text => Assert.Contains(
            "at most 256", Assert.Throws<CpuidFormatException>(() => CpuidFile.Read(text)).Message));
    }

    [Fact]
    public void A_document_beyond_the_bound_is_refused_before_it_is_read()
    {
        string many = new(' ', CpuidLibvirt.CharactersMax);

        Assert.StartsWith(
            "expected at most", Assert.Throws<CpuidFormatException>(() => CpuidFile.Read("<" + many)).Message);
        Assert.StartsWith(
            "expected at most", Assert.Throws<CpuidFormatException>(() => CpuidFile.Read("{" + many)).Message);
    }
}
