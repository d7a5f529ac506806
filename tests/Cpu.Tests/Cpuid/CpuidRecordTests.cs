// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using Xunit;

namespace KvmActors.Cpu.Tests.Cpuid;

/// <summary>What a record of CPUID reads holds, and that no guest can make it grow without end.</summary>
public sealed class CpuidRecordTests
{
    private static readonly CpuidTable s_table = SampleTables.Xeon;

    [Fact]
    public void A_leaf_without_subleaves_has_one_row_whatever_was_in_ecx()
    {
        CpuidRecord record = new();
        record.Add(s_table, leaf: 1, subleaf: 0xDEAD, vmTime: 10);
        record.Add(s_table, leaf: 1, subleaf: 7, vmTime: 20);

        Assert.Equal([new CpuidObservation(1, 0, FirstVmTime: 10, Reads: 2)], record.Observations);
    }

    [Fact]
    public void A_leaf_with_subleaves_has_a_row_for_each_that_was_read()
    {
        CpuidRecord record = new();
        record.Add(s_table, leaf: 4, subleaf: 1, vmTime: 10);
        record.Add(s_table, leaf: 4, subleaf: 0, vmTime: 20);

        Assert.Equal(
            [
                new CpuidObservation(4, 0, FirstVmTime: 20, Reads: 1),
                new CpuidObservation(4, 1, FirstVmTime: 10, Reads: 1),
            ],
            record.Observations);
    }

    [Fact]
    public void Behind_the_last_free_row_all_others_are_counted_together()
    {
        CpuidRecord record = new();
        for (uint subleaf = 0; subleaf < CpuidRecord.PlacesMax + 5; subleaf++)
        {
            record.Add(s_table, leaf: 0x4000_0100, subleaf, vmTime: subleaf);
        }

        record.Add(s_table, leaf: 0x4000_0100, subleaf: 3, vmTime: 9999);

        Assert.Equal(CpuidRecord.PlacesMax + 1, record.Observations.Count());
        Assert.Equal(2ul, record.Observations.ElementAt(3).Reads);
        CpuidObservation others = record.Observations.Last();
        Assert.True(others.IsOfOthers);
        Assert.Equal((CpuidRecord.PlacesMax, 5ul), ((int)others.FirstVmTime, others.Reads));
    }
}
