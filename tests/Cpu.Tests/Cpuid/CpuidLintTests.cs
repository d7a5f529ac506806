// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Fleet;
using KvmActors.Cpu.Cpuid.Models;
using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Cpu.Cpuid.Vetting;
using Xunit;

namespace KvmActors.Cpu.Tests.Cpuid;

/// <summary>Real CPUs pass; each thing that can be wrong is found, and by its own rule.</summary>
public sealed class CpuidLintTests
{
    private const int Seed = 20_251_122;

    [Fact]
    public void Real_CPUs_have_no_error()
    {
        Assert.Empty(Errors(SampleTables.Epyc));
        Assert.Empty(Errors(SampleTables.Xeon));
    }

    [Fact]
    public void What_a_guest_gets_of_a_real_CPU_has_no_error()
    {
        Assert.Empty(Errors(CpuidVetting.CutToEngine(SampleTables.Epyc)));
        Assert.Empty(Errors(CpuidVetting.CutToEngine(SampleTables.Xeon)));
    }

    [Fact]
    public void No_model_of_the_library_has_an_error() => Assert.All(
        CpuidModels.All, model => Assert.Equal((model.Name, ""), (model.Name, string.Join("\n", Errors(model.Table)))));

    [Theory]
    [InlineData("avx", "feature-needs")]
    [InlineData("xsave", "leaf-without-feature")]
    [InlineData("pku", "xsave-component-alone")]
    [InlineData("topoext", "leaf-without-feature")]
    [InlineData("la57", "address-width")]
    [InlineData("syscall", "feature-expects")]
    [InlineData("svm", "feature-needs")]
    public void A_feature_taken_out_of_the_EPYC_leaves_a_finding(string name, string rule)
    {
        CpuidFeature bit = CpuidFeatures.Named(name);

        Assert.Contains(rule, Rules(Flip(SampleTables.Epyc, bit)));
        Assert.DoesNotContain(rule, Rules(SampleTables.Epyc));
    }

    [Theory]
    [InlineData("vmx", "foreign-bit")]
    [InlineData("keylocker", "foreign-bit")]
    [InlineData("hypervisor", "hypervisor-bit")]
    [InlineData("mpx", "xsave-component-missing")]
    [InlineData("amx_tile", "xsave-component-missing")]
    public void A_feature_put_into_the_EPYC_leaves_a_finding(string name, string rule) =>
        Assert.Contains(rule, Rules(Flip(SampleTables.Epyc, CpuidFeatures.Named(name))));

    [Fact]
    public void The_linear_width_is_what_KVM_accepts()
    {
        foreach (uint linear in Enumerable.Range(0, 256).Select(width => (uint)width))
        {
            uint eax = (linear << 8) | 46;
            CpuidTable table = With(SampleTables.Xeon, 0x8000_0008, 0, entry => entry with { Eax = eax });

            bool isRefused = Errors(table).Any(finding => finding.Rule == "address-width");

            Assert.Equal((linear, linear is not (0 or 48 or 57)), (linear, isRefused));
        }
    }

    [Fact]
    public void A_component_moved_onto_another_is_an_overlap()
    {
        CpuidTable table = With(SampleTables.Epyc, 0xD, 6, entry => entry with { Ebx = 832 });

        CpuidFinding finding = Assert.Single(Errors(table), found => found.Rule == "xsave-overlap");
        Assert.Equal((0xDu, CpuidRegister.Ebx), (finding.Leaf, finding.Register!.Value));
        Assert.Contains("Take both from one CPU", finding.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void The_size_of_the_area_is_where_its_last_component_ends() => Assert.Contains(
        "xsave-size",
        Rules(With(SampleTables.Epyc, 0xD, 0, entry => entry with { Ecx = 2400 })));

    [Fact]
    public void Half_of_AVX_512_is_torn() => Assert.Contains(
        "xsave-component-missing",
        Rules(With(SampleTables.Epyc, 0xD, 0, entry => entry with { Eax = entry.Eax & ~0x40u })));

    [Fact]
    public void A_second_entry_of_a_leaf_is_a_duplicate()
    {
        var table = CpuidTable.Of([.. SampleTables.Xeon.Entries, SampleTables.Xeon.Find(7, 0)!.Value]);

        Assert.Single(CpuidLint.Of(table), finding => finding.Rule == "duplicate-entry");
        Assert.DoesNotContain("duplicate-entry", Rules(SampleTables.Xeon));
    }

    [Fact]
    public void A_leaf_beyond_the_highest_is_never_read()
    {
        Assert.Contains("max-leaf", Rules(With(SampleTables.Xeon, 0, 0, entry => entry with { Eax = 7 })));
        Assert.Contains("max-subleaf", Rules(With(SampleTables.Epyc, 7, 0, entry => entry with { Eax = 0 })));
    }

    [Fact]
    public void KVMs_leaves_need_the_hypervisor_bit()
    {
        CpuidTable guest = CpuidVetting.CutToEngine(SampleTables.Xeon);

        Assert.DoesNotContain("hypervisor-bit", Rules(guest));
        Assert.Contains("hypervisor-bit", Rules(Flip(guest, CpuidFeatures.Hypervisor)));
    }

    [Fact]
    public void What_AMD_says_twice_must_agree() => Assert.Contains(
        "said-twice",
        Rules(With(SampleTables.Epyc, 0x8000_0001, 0, entry => entry with { Eax = 0x00A1_0F10 })));

    [Fact]
    public void Errors_come_first_and_every_sentence_says_what_to_do()
    {
        CpuidTable table = Flip(Flip(SampleTables.Epyc, CpuidFeatures.Avx), CpuidFeatures.Vmx);

        ImmutableArray<CpuidFinding> findings = CpuidLint.Of(table);

        Assert.Equal(findings.Select(f => f.Severity).OrderDescending(), findings.Select(f => f.Severity));
        Assert.All(findings, finding => Assert.StartsWith("Expected ", finding.Sentence, StringComparison.Ordinal));
        Assert.All(findings, finding => Assert.Contains("found", finding.Sentence, StringComparison.Ordinal));
    }

    [Fact]
    public void No_dependency_is_of_a_feature_on_itself_and_none_goes_in_a_circle()
    {
        ILookup<CpuidFeature, CpuidFeature> needs = CpuidDependencies.All.Where(needed => needed.IsNeeded)
            .SelectMany(needed => needed.AnyOf.Select(other => (needed.Feature, other)))
            .ToLookup(pair => pair.Feature, pair => pair.other);
        foreach (CpuidFeature start in needs.Select(group => group.Key))
        {
            HashSet<CpuidFeature> reached = [];
            Stack<CpuidFeature> open = new(needs[start]);
            while (open.TryPop(out CpuidFeature next))
            {
                Assert.NotEqual(start, next);
                if (reached.Add(next))
                {
                    needs[next].ToList().ForEach(open.Push);
                }
            }
        }
    }

    [Fact]
    public void No_table_makes_it_throw()
    {
        Random random = new(Seed);
        uint[] leaves = [.. CpuidLeaves.All.Select(leaf => leaf.Leaf), 0x22, 0x4000_0100];
        for (int i = 0; i < 2_000; i++)
        {
            var table = CpuidTable.Of(Enumerable.Range(0, random.Next(60)).Select(_ => new CpuidEntry(
                leaves[random.Next(leaves.Length)], (uint)random.Next(70), (CpuidEntryFlags)random.Next(8),
                Word(random), Word(random), Word(random), Word(random))));

            Assert.All(CpuidLint.Of(table), finding => Assert.NotEqual("", finding.Sentence));
            Assert.Equal(table.Entries.Length, CpuidDecoder.Decode(table).Leaves.Length);
        }
    }

    private static uint Word(Random random) => (uint)random.NextInt64(1L << 32) & (uint)random.NextInt64(1L << 32);

    private static IEnumerable<CpuidFinding> Errors(CpuidTable table) =>
        CpuidLint.Of(table).Where(finding => finding.Severity == CpuidSeverity.Error);

    private static IEnumerable<string> Rules(CpuidTable table) => CpuidLint.Of(table).Select(finding => finding.Rule);

    private static CpuidTable With(CpuidTable table, uint leaf, uint subleaf, Func<CpuidEntry, CpuidEntry> change) =>
        CpuidTable.Of(table.Entries.Select(entry =>
            entry.Leaf == leaf && entry.Subleaf == subleaf ? change(entry) : entry));

    private static CpuidTable Flip(CpuidTable table, CpuidFeature feature) =>
        With(table, feature.Leaf, feature.Subleaf, entry =>
        {
            uint bit = 1u << feature.Bit;
            return feature.Register switch
            {
                CpuidRegister.Eax => entry with { Eax = entry.Eax ^ bit },
                CpuidRegister.Ebx => entry with { Ebx = entry.Ebx ^ bit },
                CpuidRegister.Ecx => entry with { Ecx = entry.Ecx ^ bit },
                CpuidRegister.Edx => entry with { Edx = entry.Edx ^ bit },
            };
        });
}
