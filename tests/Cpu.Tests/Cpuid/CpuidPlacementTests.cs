// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Vetting;
using Xunit;

namespace KvmActors.Cpu.Tests.Cpuid;

public sealed class CpuidPlacementTests
{
    private static readonly CpuidTable s_table = CpuidVetting.CutToEngine(SampleTables.Xeon);

    [Fact]
    public void A_vm_of_one_keeps_its_table() => Assert.Same(s_table, CpuidPlacement.OfAll(s_table, 1).Single());

    [Fact]
    public void Each_vcpu_tells_its_own_id_and_how_many_there_are()
    {
        ImmutableArray<CpuidTable> tables = CpuidPlacement.OfAll(s_table, 3);

        for (uint id = 0; id < 3; id++)
        {
            CpuidTable table = tables[(int)id];
            Assert.Equal((id << 24) | (3 << 16), table.Find(1, 0)!.Value.Ebx & 0xFFFF_0000);
            Assert.Equal(new CpuidRegisters(0, 1, 0x100, id), table.Find(0xB, 0)!.Value.Registers);
            Assert.Equal(new CpuidRegisters(2, 3, 0x201, id), table.Find(0xB, 1)!.Value.Registers);
        }
    }

    [Fact]
    public void Whatever_is_no_topology_is_the_same_for_all()
    {
        CpuidTable last = CpuidPlacement.OfAll(s_table, 4)[3];

        Assert.Empty(KvmActors.Cpu.Cpuid.Fleet.CpuidComparison.Of(s_table, last).Differences);
    }
}
