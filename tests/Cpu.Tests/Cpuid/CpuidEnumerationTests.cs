// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Cpu.Cpuid.Names;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Cpu.Tests.Cpuid;

/// <summary>The walk over every leaf and subleaf, against recorded CPUs and the one below us.</summary>
public sealed class CpuidEnumerationTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("AuthenticAMD")]
    [InlineData("GenuineIntel")]
    public void The_walk_of_a_recorded_cpu_finds_every_recorded_entry(string vendor)
    {
        CpuidTable recorded = vendor == "AuthenticAMD" ? SampleTables.Epyc : SampleTables.Xeon;

        CpuidTable walked = CpuidEnumeration.Read(
            (leaf, subleaf) => recorded.Find(leaf, subleaf)?.Registers ?? default);

        Assert.Empty(recorded.Entries.Where(entry => walked.Find(entry.Leaf, entry.Subleaf) is null));
        Assert.All(recorded.Entries, entry => Assert.Equal(entry, walked.Find(entry.Leaf, entry.Subleaf)));
    }

    [Fact]
    public void A_cpu_that_never_ends_a_leaf_is_read_to_a_bound()
    {
        CpuidRegisters ones = new(~0u, ~0u, ~0u, ~0u);

        Assert.Equal(3, CpuidEnumeration.Read((_, _) => ones).Entries.Length);
        Assert.Throws<ArgumentException>(
            () => CpuidEnumeration.Read((leaf, _) => leaf == 0 ? ones with { Eax = 0x24 } : ones));
        Assert.Equal(CpuidEnumeration.SubleavesMax, CpuidEnumeration.Read((leaf, _) => leaf switch
        {
            0 => new CpuidRegisters(4, 0, 0, 0),
            4 => new CpuidRegisters(1, 0, 0, 0),
            _ => default,
        }).Entries.Count(entry => entry.Leaf == 4));
    }

    [Fact]
    public void The_hosts_own_table_has_a_vendor_long_mode_and_a_name()
    {
        if (!HostCpuid.IsSupported)
        {
            output.WriteLine("Not run: this machine is not x86, so it has no CPUID to read.");
            return;
        }

        CpuidTable host = HostCpuid.Read();

        output.WriteLine(CpuidText.Write(host));
        Assert.Equal(12, host.Vendor.Length);
        Assert.True(host.Has(CpuidFeatures.Named("lm")));
        Assert.Same(host, HostCpuid.Read());
        Assert.Equal(host, CpuidText.Read(CpuidText.Write(host)));
    }
}
