// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Cpu.Paravirtual;
using KvmActors.Cpu.Tests.Cpuid;
using Xunit;

namespace KvmActors.Cpu.Tests.Paravirtual;

public sealed class ParavirtualCpuidTests
{
    private const uint Everything = uint.MaxValue;

    private static CpuidTable Table(params (uint Leaf, CpuidRegisters Registers)[] leaves) =>
        CpuidTable.Of(leaves.Select(leaf => new CpuidEntry(
            leaf.Leaf,
            0,
            CpuidEntryFlags.None,
            leaf.Registers.Eax,
            leaf.Registers.Ebx,
            leaf.Registers.Ecx,
            leaf.Registers.Edx)));

    [Fact]
    public void A_vetted_table_offers_what_the_hypervisor_has_and_nothing_else()
    {
        CpuidTable table = CpuidVetting.CutToEngine(SampleTables.Xeon);

        Assert.Equal(ParavirtualCpuid.Offered, ParavirtualCpuid.Of(table));
        Assert.Equal(0x0100_288Bu, table.Find(0x4000_0001, 0)!.Value.Eax);
    }

    [Theory]
    [InlineData(0x4000_0000u)]
    [InlineData(0x4000_0100u)]
    [InlineData(0x4000_FF00u)]
    public void The_features_are_behind_the_signature_wherever_it_is(uint first)
    {
        CpuidTable table = Table(
            (0x4000_0000, new CpuidRegisters(0x4000_0005, 0x7263_694D, 0x666F_736F, 0x7648_2074)),
            (0x4000_0001, new CpuidRegisters(Everything, 0, 0, 0)));
        CpuidTable kvm = Table(
            (first, ParavirtualCpuid.Signature with { Eax = 0 }), (first + 1, new CpuidRegisters(1 << 11, 0, 0, 0)));

        Assert.Equal(ParavirtualFeature.None, ParavirtualCpuid.Of(table));
        Assert.Equal(ParavirtualFeature.SendIpi, ParavirtualCpuid.Of(kvm));
        Assert.Equal(
            first == 0x4000_0000 ? ParavirtualFeature.None : ParavirtualFeature.SendIpi,
            ParavirtualCpuid.Of(CpuidTable.Of([.. table.Entries, .. kvm.Entries])));
    }

    [Fact]
    public void What_the_hypervisor_does_not_have_is_not_there_whatever_a_table_says()
    {
        CpuidTable table = Table(
            (0x4000_0000, ParavirtualCpuid.Signature), (0x4000_0001, new CpuidRegisters(Everything, 0, 0, 0)));

        Assert.Equal(ParavirtualCpuid.Offered, ParavirtualCpuid.Of(table));
        Assert.Equal(ParavirtualFeature.None, ParavirtualCpuid.Of(CpuidTable.Empty));
    }
}
