// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Tests.Execute;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Translate;

/// <summary>What is counted is what happened, to the instruction.</summary>
public sealed class EngineStatisticsTests
{
    private const uint Rounds = 1_000;

    [Fact]
    public void Host_code_is_credited_with_exactly_what_it_retired()
    {
        const int InFirstBlock = 5;
        const int InLoop = 3;
        const int Interpreted = 2;
        using var guest = TestGuest.LongWith(hotEntries: Interpreted + 1);
        Assembler assembler = new(64);
        Label again = assembler.CreateLabel();
        assembler.xor(eax, eax);
        assembler.mov(ecx, Rounds);
        assembler.Label(ref again);
        assembler.add(rax, rcx);
        assembler.dec(ecx);
        assembler.jnz(again);
        assembler.hlt();
        guest.Put(assembler, TestGuest.CodeStart);

        Assert.IsType<VmExit.Halted>(guest.Run());

        EngineStatistics statistics = guest.Vcpu.Statistics;
        Assert.Equal(InFirstBlock + (InLoop * (Rounds - 1)) + 1, statistics.Instructions);
        Assert.Equal(InLoop * (Rounds - 1 - Interpreted), statistics.HostCodeInstructions);
    }

    [Theory]
    [InlineData(1_000_000ul)]
    [InlineData(1_001ul)]
    [InlineData(7ul)]
    [InlineData(3ul)]
    public void What_host_code_leaves_in_the_middle_of_a_block_is_the_interpreters(ulong budget)
    {
        // SGDT has no form in host code, which goes on behind it.
        const int Before = 7;
        const int Behind = 12;
        const int InLoop = Before + 1 + Behind;
        using var guest = TestGuest.LongWith(hotEntries: 1);
        Assembler assembler = new(64);
        Label again = assembler.CreateLabel();
        assembler.mov(ecx, Rounds);
        assembler.mov(edi, 0x20_0000);
        assembler.jmp(again);
        assembler.Label(ref again);
        for (int count = 0; count < Before; count++)
        {
            assembler.add(rbx, 1);
        }

        assembler.sgdt(__[rdi]);
        for (int count = 0; count < Behind - 2; count++)
        {
            assembler.add(rbx, 2);
        }

        assembler.dec(ecx);
        assembler.jnz(again);
        assembler.hlt();
        guest.Put(assembler, TestGuest.CodeStart);

        while (guest.Run(budget) is VmExit.BudgetSpent)
        {
            Assert.True(guest.Vcpu.Statistics.HostCodeInstructions <= guest.Vcpu.InstructionsRetired);
        }

        EngineStatistics statistics = guest.Vcpu.Statistics;
        Assert.Equal(3 + (InLoop * Rounds) + 1, statistics.Instructions);
        if (budget > statistics.Instructions)
        {
            Assert.Equal(3 + ((Before + Behind) * Rounds), statistics.HostCodeInstructions);
            Assert.Equal(Rounds, statistics.Steps);
        }

        Assert.Equal(statistics.Exits.BudgetSpent > 0, budget <= statistics.Instructions);
        Assert.Equal(1, statistics.Exits.Halted);
    }

    [Fact]
    public void Misses_of_the_tlb_are_counted_in_both_tiers()
    {
        const uint Pages = 300;
        long[] misses = new long[2];
        for (int tier = 0; tier < 2; tier++)
        {
            using TestGuest guest = PageReader.Run(hotEntries: tier == 0 ? null : 1, Pages);

            misses[tier] = guest.Vcpu.Statistics.TlbMisses;
            Assert.Equal(misses[tier], guest.Vcpu.Statistics.PageWalks);
        }

        // One for the code.
        Assert.Equal(Pages + 1, misses[0]);
        Assert.Equal(misses[0], misses[1]);
    }

    [Fact]
    public void Every_case_of_an_exit_has_a_count()
    {
        IEnumerable<string> cases = typeof(VmExit).GetNestedTypes().Select(type => type.Name).Order();

        Assert.Equal(
            cases,
            typeof(ExitCounts).GetProperties().Where(each => each.CanWrite).Select(each => each.Name).Order());
    }

    [Fact]
    public void Statistics_add_up_field_by_field()
    {
        EngineStatistics one = new() { Instructions = 1, TlbMisses = 2, Exits = new ExitCounts { PortRead = 3 } };

        EngineStatistics sum = one.Plus(one).Plus(EngineStatistics.None);

        Assert.Equal(
            new EngineStatistics { Instructions = 2, TlbMisses = 4, Exits = new ExitCounts { PortRead = 6 } }, sum);
        Assert.All(
            typeof(EngineStatistics).GetProperties().Where(each => each.PropertyType == typeof(long)),
            each =>
            {
                EngineStatistics three = new();
                each.SetValue(three, 3L);
                Assert.Equal(6L, each.GetValue(three.Plus(three)));
            });
        Assert.All(
            typeof(ExitCounts).GetProperties().Where(each => each.CanWrite),
            each =>
            {
                ExitCounts three = new();
                each.SetValue(three, 3L);
                Assert.Equal(6L, each.GetValue(three.Plus(three)));
                Assert.Equal(6L, three.Plus(three).Sum);
            });
    }
}
