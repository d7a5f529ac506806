// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Cpu.Cpuid.Models;
using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Cpu.Cpuid.Vetting;
using Xunit;

namespace KvmActors.Cpu.Tests.Cpuid.Models;

/// <summary>The library of named CPUs says what it claims.</summary>
public sealed class CpuidModelsTests
{
    /// <summary>What every 64-bit CPU has and no level of the psABI names.</summary>
    private const string Platform = "pse tsc msr pae apic pge clflush nx lm";

    // Source: System V ABI, AMD64 supplement, section 3.1.1, table 3.1. SCE is syscall, LZCNT abm; OSFXSR and OSXSAVE
    // are the system's, and OSXSAVE needs xsave.
    private static readonly string[] s_levels =
    [
        "cmov cx8 fpu fxsr mmx syscall sse sse2",
        "cx16 lahf_lm popcnt sse3 sse4_1 sse4_2 ssse3",
        "avx avx2 bmi1 bmi2 f16c fma abm movbe xsave",
        "avx512f avx512bw avx512cd avx512dq avx512vl",
    ];

    public static TheoryData<string> Names => [.. CpuidModels.All.Select(model => model.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_model_is_of_the_vendor_it_claims_and_says_where_it_is_from(string name)
    {
        CpuidModel model = CpuidModels.Find(name)!;

        Assert.Equal(model.Vendor, model.Table.Vendor);
        Assert.NotEmpty(model.Description);
        Assert.NotEmpty(model.Source);
        Assert.InRange(int.Parse(model.Date[..4], System.Globalization.CultureInfo.InvariantCulture), 2000, 2100);
        Assert.Matches("^[a-z0-9]+(-[a-z0-9]+)*$", model.Name);
    }

    [Theory]
    [InlineData("intel-nehalem-ex", 6, 0x2E)]
    [InlineData("intel-westmere-ex", 6, 0x2F)]
    [InlineData("intel-sandybridge-ep", 6, 0x2D)]
    [InlineData("intel-haswell-ep", 6, 0x3F)]
    [InlineData("intel-broadwell-ep", 6, 0x4F)]
    [InlineData("intel-skylake-sp", 6, 0x55)]
    [InlineData("intel-cascadelake-sp", 6, 0x55)]
    [InlineData("intel-icelake-sp", 6, 0x6A)]
    [InlineData("intel-sapphirerapids", 6, 0x8F)]
    [InlineData("intel-emeraldrapids-sp", 6, 0xCF)]
    [InlineData("intel-graniterapids", 6, 0xAD)]
    [InlineData("amd-istanbul", 0x10, 8)]
    [InlineData("amd-interlagos", 0x15, 1)]
    [InlineData("amd-abudhabi", 0x15, 2)]
    [InlineData("amd-naples", 0x17, 1)]
    [InlineData("amd-rome", 0x17, 0x31)]
    [InlineData("amd-milan", 0x19, 1)]
    [InlineData("amd-genoa", 0x19, 0x11)]
    [InlineData("amd-bergamo", 0x19, 0xA0)]
    [InlineData("amd-turin", 0x1A, 2)]
    public void A_real_cpu_has_its_family_and_model_and_no_physical_id(string name, uint family, uint number)
    {
        CpuidTable table = CpuidModels.Find(name)!.Table;
        CpuidRegisters one = table.Find(1, 0)!.Value.Registers;
        uint baseFamily = one.Eax >> 8 & 0xF;

        Assert.Equal(family, baseFamily == 0xF ? baseFamily + (one.Eax >> 20 & 0xFF) : baseFamily);
        Assert.Equal(number, (one.Eax >> 4 & 0xF) | (one.Eax >> 12 & 0xF0));
        Assert.Equal(0u, one.Ebx >> 24);
        Assert.False(table.Has(CpuidFeatures.Named("hypervisor")));
        Assert.All(
            table.Entries.Where(entry => entry.Leaf is 0xB or 0x1F or 0x8000_0026),
            level => Assert.Equal(0u, level.Edx));
        Assert.Equal(default, table.Find(3, 0)?.Registers ?? default);
        Assert.Equal(0u, table.Find(0x8000_001E, 0)?.Eax ?? 0);
    }

    [Fact]
    public void Every_real_cpu_has_its_row_above() => Assert.Equal(
        CpuidModels.All.Length - s_levels.Length,
        typeof(CpuidModelsTests).GetMethod(nameof(A_real_cpu_has_its_family_and_model_and_no_physical_id))!
            .GetCustomAttributesData().Count(attribute => attribute.AttributeType == typeof(InlineDataAttribute)));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_level_of_x86_64_has_exactly_its_features(int level)
    {
        CpuidTable table = CpuidModels.Find($"x86-64-v{level}")!.Table;
        string[] expected = [.. s_levels.Take(level).Append(Platform).SelectMany(names => names.Split(' '))];

        // CPUID.80000001H:EDX repeats bits of CPUID.01H:EDX on AMD CPUs; names stand for one place each.
        string[] found = [.. CpuidFeatures.All.Where(named => table.Has(named.Feature)).Select(named => named.Name)];

        Assert.Equal(expected.Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Each_real_cpu_has_the_level_of_its_generation()
    {
        Assert.Equal(2, LevelOf("intel-nehalem-ex"));
        Assert.Equal(2, LevelOf("intel-sandybridge-ep"));
        Assert.Equal(3, LevelOf("intel-haswell-ep"));
        Assert.Equal(4, LevelOf("intel-skylake-sp"));
        Assert.Equal(4, LevelOf("intel-graniterapids"));
        Assert.Equal(1, LevelOf("amd-istanbul"));
        Assert.Equal(2, LevelOf("amd-abudhabi"));
        Assert.Equal(3, LevelOf("amd-milan"));
        Assert.Equal(4, LevelOf("amd-genoa"));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_model_is_held_by_every_form_and_can_be_vetted(string name)
    {
        CpuidTable table = CpuidModels.Find(name)!.Table;

        Assert.All(
            Enum.GetValues<CpuidFormat>(),
            format => Assert.Equal(table, CpuidFile.Read(CpuidFile.Write(table, format))));
        Assert.Equal(table.Vendor, CpuidVetting.CutToEngine(table).Vendor);
    }

    [Fact]
    public void A_file_without_its_comments_is_refused() => Assert.Equal(
        "expected a comment '# source: …', found none.",
        Assert.Throws<CpuidFormatException>(
            () => CpuidModels.Read("# name: x\n# description: x\n# vendor: x\n# date: 2020\nCPU:\n")).Message);

    private static int LevelOf(string name)
    {
        CpuidTable table = CpuidModels.Find(name)!.Table;
        return s_levels
            .TakeWhile(names => names.Split(' ').All(feature => table.Has(CpuidFeatures.Named(feature))))
            .Count();
    }
}
