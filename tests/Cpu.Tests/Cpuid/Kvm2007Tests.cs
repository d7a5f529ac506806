// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.KvmApi;
using Xunit;

namespace KvmActors.Cpu.Tests.Cpuid;

/// <summary>The rule of KVM's first CPUID management as it was meant; each defect of the original has a test with the
/// input that showed it.</summary>
public sealed class Kvm2007Tests
{
    private const CpuidEntryFlags Stateful = CpuidEntryFlags.StatefulFunction;
    private const CpuidEntryFlags ReadNext = CpuidEntryFlags.StateReadNext;

    [Fact]
    public void A_stateful_leaf_answers_in_turn_round_and_round()
    {
        CpuidTable table = Descriptors(3);

        Assert.Equal([10u, 11, 12, 10, 11, 12, 10], Read(ref table, 2, times: 7));
    }

    [Fact]
    public void A_stateful_leaf_that_is_the_last_of_the_table_goes_on_at_its_first()
    {
        // The repair of 2009 looked one entry behind the last one here.
        var table = CpuidTable.Of([Entry(2, 1, Stateful), Entry(0, 7), Entry(2, 2, Stateful | ReadNext)]);

        Assert.Equal([2u, 1, 2, 1], Read(ref table, 2, times: 4));
    }

    [Fact]
    public void A_stateful_leaf_with_one_answer_keeps_giving_it()
    {
        CpuidTable table = Descriptors(1);
        CpuidTable before = table;

        Assert.Equal([10u, 10, 10], Read(ref table, 2, times: 3));
        Assert.Same(before, table);
    }

    [Fact]
    public void Whoever_gets_the_table_goes_on_where_it_was_left()
    {
        CpuidTable table = Descriptors(3);
        Read(ref table, 2, times: 2);

        KvmCpuidReply got = new KvmVcpuCpuid(table, HasRun: true).GetCpuid2(CpuidTable.EntriesMax, default);
        CpuidTable restored = KvmVcpuCpuid.New.SetCpuid2(got.Entries, default).Value!.Table;

        Assert.Equal(3, Assert.Single(CpuidKvm2007.Cursors(restored)));
        Assert.Equal([12u, 10], Read(ref restored, 2, times: 2));
    }

    [Fact]
    public void The_supported_table_marks_the_first_answer_of_a_stateful_leaf()
    {
        // Nothing marked it in 2007, so that leaf 2 was never found.
        int reads = 0;
        CpuidTable table = KvmSupported2007.Read(
            (leaf, subleaf) => leaf == 2
                ? new CpuidRegisters(0x5000_0003u | ((uint)reads++ << 8), 0, 0, 0)
                : Processor(leaf, subleaf),
            hostHasNx: true);

        CpuidEntry[] answers = [.. table.Entries.Where(entry => entry.Leaf == 2)];
        Assert.Equal([Stateful | ReadNext, Stateful, Stateful], answers.Select(entry => entry.Flags));
        uint[] eax = [.. answers.Select(entry => entry.Eax)];
        Assert.Equal(3, eax.Distinct().Count());
        Assert.Equal([eax[0], eax[1], eax[2], eax[0]], Read(ref table, 2, times: 4));
    }

    [Fact]
    public void Topology_is_read_until_its_level_type_is_none()
    {
        // 2007 looked at ECX[7:0], which is the level's number: it ended behind subleaf 0.
        CpuidTable table = KvmSupported2007.Read(Processor, hostHasNx: true);

        Assert.Equal(
            [0x100u, 0x201, 2], table.Entries.Where(entry => entry.Leaf == 0xB).Select(entry => entry.Ecx));
    }

    [Theory]
    [InlineData(true, 0x0010_0000u)]
    [InlineData(false, 0u)]
    public void Nx_is_bit_20_and_there_if_the_host_has_it(bool hostHasNx, uint expected)
    {
        // 2007 reported it as bit 0: a logical "and" where a bitwise one was meant.
        CpuidTable table = KvmSupported2007.Read(
            (leaf, subleaf) => leaf == 0x8000_0001 ? new(0, 0, 0, 0x0010_0000) : Processor(leaf, subleaf), hostHasNx);

        Assert.Equal(expected, table.Find(0x8000_0001, 0)!.Value.Edx);
    }

    [Fact]
    public void Machine_check_and_memory_types_would_be_reported_as_far_as_the_engine_has_them()
    {
        // 2007 left out MTRR, PAT, MCE and MCA, without which some guests did not boot.
        const uint Missing = (1 << 7) | (1 << 12) | (1 << 14) | (1 << 16);
        uint engine = CpuidMaskOfEngine();

        CpuidTable table = KvmSupported2007.Read(Processor, hostHasNx: true);

        Assert.Equal(engine & Missing, table.Find(1, 0)!.Value.Edx & Missing);
    }

    [Theory]
    [InlineData(0x55u, 6u)]
    [InlineData(0x8000_0055u, 8u)]
    [InlineData(0x4000_0000u, 6u)]
    [InlineData(3u, 6u)]
    public void A_leaf_that_is_missing_gets_the_highest_of_its_class(uint leaf, uint expected)
    {
        var table = CpuidTable.Of([Entry(0, 5), Entry(7, 6), Entry(0x8000_0000, 7), Entry(0x8000_0004, 8)]);

        Assert.Equal([expected], Read(ref table, leaf, times: 1));
    }

    [Fact]
    public void A_subleaf_that_is_missing_gets_the_highest_leaf_even_if_that_is_its_own()
    {
        var table = CpuidTable.Of(
            [Entry(0, 5), Entry(4, 6, CpuidEntryFlags.SignificantIndex)]);

        Assert.Equal(6u, CpuidKvm2007.Read(ref table, 4, 9, default).Eax);
    }

    [Fact]
    public void An_empty_table_answers_zeros()
    {
        CpuidTable table = CpuidTable.Empty;

        Assert.Equal(default, CpuidKvm2007.Read(ref table, 0, 0, default));
    }

    private static CpuidTable Descriptors(int answers) => CpuidTable.Of(
    [
        Entry(0, 2),
        .. Enumerable.Range(0, answers).Select(i =>
            Entry(2, (uint)(10 + i), i == 0 ? Stateful | ReadNext : Stateful)),
        Entry(3, 99),
    ]);

    private static CpuidEntry Entry(uint leaf, uint eax, CpuidEntryFlags flags = CpuidEntryFlags.None) =>
        new(leaf, 0, flags, eax, 0, 0, 0);

    private static uint[] Read(ref CpuidTable table, uint leaf, int times)
    {
        uint[] read = new uint[times];
        for (int time = 0; time < times; time++)
        {
            read[time] = CpuidKvm2007.Read(ref table, leaf, 0, default).Eax;
        }

        return read;
    }

    private static uint CpuidMaskOfEngine() => Cpu.Execute.EngineFeatures.Current.Executed
        .Where(feature => (feature.Leaf, feature.Register) == (1, CpuidRegister.Edx))
        .Aggregate(0u, (bits, feature) => bits | (1u << feature.Bit));

    private static CpuidRegisters Processor(uint leaf, uint subleaf) => (leaf, subleaf) switch
    {
        (0, _) => new(0xB, 0x756E_6547, 0x6C65_746E, 0x4965_6E69),
        (1, _) => new(0x000A_0678, 0, 0xFFFF_FFFF, 0xFFFF_FFFF),
        (2, _) => new(1, 0, 0, 0),
        (0xB, 0) => new(1, 2, 0x100, 0),
        (0xB, 1) => new(4, 4, 0x201, 0),
        (0xB, _) => new(0, 0, subleaf, 0),
        (0x8000_0000, _) => new(0x8000_0008, 0, 0, 0),
        (0x8000_0001, _) => new(0, 0, 0xFFFF_FFFF, 0xFFFF_FFFF),
        _ => default,
    };
}
