// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Host.Cpuid;

namespace KvmActors.Host.Tests.Journal;

/// <summary>A CPUID table of the journal in words.</summary>
public sealed class CpuidSetTextTests
{
    private static readonly CpuidTable s_epyc =
        CpuidText.Read(File.ReadAllText(Path.Combine(Repository.Root, "samples", "cpuid", "amd-epyc-9334.txt")));

    [Fact]
    public void A_first_table_is_told_by_leaf_register_and_names()
    {
        string text = CpuidSetText.Describe(s_epyc, before: null);

        Assert.StartsWith(
            "The CPUID table was set: 79 entries, AuthenticAMD \"AMD EPYC 9334 32-Core Processor\", family 25 model 17 "
            + "stepping 1, 52 physical and 57 linear address bits; ",
            text,
            StringComparison.Ordinal);
        Assert.Contains("; leaf 0x7.0 edx: fsrm flush_l1d; ", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', text);
    }

    [Fact]
    public void A_later_table_is_told_by_what_it_changes()
    {
        var after = CpuidTable.Of(s_epyc.Entries.Where(entry => entry.Leaf != 5).Select(entry => entry.Leaf switch
        {
            7 when entry.Subleaf == 0 => entry with { Ebx = entry.Ebx & ~(1u << 5), Edx = entry.Edx | 1 },
            0x8000_0008 => entry with { Eax = 0x3034 },
            _ => entry,
        }));

        string text = CpuidSetText.Describe(after, s_epyc);

        Assert.Contains("leaf 0x5 removed; ", text, StringComparison.Ordinal);
        Assert.Contains("; leaf 0x7.0 ebx: avx2 cleared; ", text, StringComparison.Ordinal);
        Assert.Contains("; leaf 0x7.0 edx: unknown bits 0x00000000 -> 0x00000001; ", text, StringComparison.Ordinal);
        Assert.Contains("; leaf 0x80000008 eax: linear_bits 57 bits -> 48 bits.", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_table_again_and_an_empty_one_are_said_so()
    {
        Assert.EndsWith("; the same as before.", CpuidSetText.Describe(s_epyc, s_epyc), StringComparison.Ordinal);
        Assert.Equal(
            "The CPUID table was set: no entries, so every leaf answers zeros; no features.",
            CpuidSetText.Describe(CpuidTable.Empty, before: null));
    }
}
