// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Execute;
using KvmActors.Cpu.Translate;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Translate;

/// <summary>What the translator does with its host code, where a result could not tell.</summary>
public sealed class TranslatorTests
{
    private const uint Rounds = 10_000;

    [Fact]
    public void A_loop_stays_in_host_code()
    {
        using TestGuest guest = Loop(hotEntries: 3);

        Assert.IsType<VmExit.Halted>(guest.Run());

        Assert.Equal((ulong)Rounds * (Rounds + 1) / 2, guest[Gpr.Rax]);
        EngineStatistics statistics = guest.Vcpu.Statistics;
        Assert.Equal(1, statistics.BlocksTranslated);
        Assert.InRange(statistics.HostCodeEntries, 1, 2);
        Assert.Equal(0, statistics.Steps);
    }

    [Theory]
    [InlineData(1ul)]
    [InlineData(2ul)]
    [InlineData(3ul)]
    [InlineData(4ul)]
    [InlineData(1000ul)]
    [InlineData(1001ul)]
    public void A_budget_ends_inside_a_translated_loop_at_exactly_its_instruction(ulong budget)
    {
        using TestGuest guest = Loop(hotEntries: 1);
        guest.Run(100);
        ulong before = guest.Vcpu.InstructionsRetired;

        Assert.IsType<VmExit.BudgetSpent>(guest.Run(budget));

        Assert.Equal(before + budget, guest.Vcpu.InstructionsRetired);
        Assert.True(guest.Vcpu.Statistics.BlocksTranslated > 0);
    }

    [Fact]
    public void A_page_whose_code_changes_again_and_again_stays_with_the_interpreter()
    {
        const int Changes = 200;
        using var guest = TestGuest.LongWith(hotEntries: 1);
        Assembler assembler = new(64);
        Label again = assembler.CreateLabel();
        Label constant = assembler.CreateLabel();
        assembler.xor(ebx, ebx);
        assembler.lea(rdi, __[constant]);
        assembler.mov(ecx, Changes);
        assembler.Label(ref again);
        assembler.mov(__dword_ptr[rdi + 1], ecx);
        assembler.jmp(constant);
        assembler.Label(ref constant);
        assembler.mov(eax, 0);
        assembler.add(ebx, eax);
        assembler.dec(ecx);
        assembler.jnz(again);
        assembler.hlt();
        guest.Put(assembler, TestGuest.CodeStart);

        Assert.IsType<VmExit.Halted>(guest.Run());

        Assert.Equal((ulong)Changes * (Changes + 1) / 2, guest[Gpr.Rbx]);
        Assert.InRange(guest.Vcpu.Statistics.BlocksTranslated, 1, 2 * TranslatorTier.OverwritesMax);
    }

    [Fact]
    public void Host_code_that_fills_its_memory_is_dropped_and_made_again()
    {
        const int Blocks = 4000;
        const int CodeBytes = 256 << 10;
        using var guest = TestGuest.LongWith(hotEntries: 1, CodeBytes);
        Assembler assembler = new(64);
        Label round = assembler.CreateLabel();
        assembler.mov(r15d, 3);
        assembler.Label(ref round);
        for (int block = 0; block < Blocks; block++)
        {
            Label next = assembler.CreateLabel();
            assembler.add(rax, block);
            assembler.add(rbx, rax);
            assembler.jmp(next);
            assembler.Label(ref next);
        }

        assembler.dec(r15d);
        assembler.jnz(round);
        assembler.hlt();
        guest.Put(assembler, TestGuest.CodeStart);

        Assert.IsType<VmExit.Halted>(guest.Run());

        Assert.Equal(3ul * Blocks * (Blocks - 1) / 2, guest[Gpr.Rax]);
        Assert.True(guest.Vcpu.Statistics.Drops > 0);
        Assert.True(guest.Vcpu.Statistics.HostBytes > CodeBytes);
    }

    [Fact]
    public void A_miss_of_the_tlb_does_not_leave_host_code_for_good()
    {
        const uint Pages = 300;
        using TestGuest guest = PageReader.Run(hotEntries: 1, Pages);

        Assert.InRange(guest.Vcpu.Statistics.TlbFills, Pages - 5, Pages);
        Assert.Equal(0, guest.Vcpu.Statistics.Steps);
    }

    [Fact]
    public void Calls_into_other_pages_and_returns_from_them_stay_in_host_code()
    {
        // As many as the jump cache has places for: what it forgets, host code must not know.
        const int Calls = 100;
        const int Pages = 12;
        const uint Rounds = 200;
        using var guest = TestGuest.LongWith(hotEntries: 1);
        Assembler assembler = new(64);
        Label round = assembler.CreateLabel();
        assembler.mov(r15d, Rounds);
        assembler.Label(ref round);
        for (int call = 0; call < Calls; call++)
        {
            assembler.call(FunctionIn(call % Pages));
        }

        assembler.dec(r15d);
        assembler.jnz(round);
        assembler.hlt();
        guest.Put(assembler, TestGuest.CodeStart);
        for (int page = 0; page < Pages; page++)
        {
            PutFunction(guest, FunctionIn(page), adds: page);
        }

        Assert.IsType<VmExit.Halted>(guest.Run());

        ulong aRound = (ulong)Enumerable.Range(0, Calls).Sum(call => call % Pages);
        Assert.Equal(Rounds * aRound, guest[Gpr.Rax]);
        EngineStatistics statistics = guest.Vcpu.Statistics;
        Assert.InRange(statistics.HostCodeEntries, 1, 6 * Calls);
        Assert.InRange(statistics.Steps, 0, 6 * Calls);
    }

    [Fact]
    public void Returns_are_found_again_behind_more_calls_than_the_return_stack_holds()
    {
        const uint Depth = 100;
        const uint Rounds = 500;
        using var guest = TestGuest.LongWith(hotEntries: 1);
        Assembler assembler = new(64);
        Label round = assembler.CreateLabel();
        Label deeper = assembler.CreateLabel();
        Label back = assembler.CreateLabel();
        Label end = assembler.CreateLabel();
        assembler.mov(r15d, Rounds);
        assembler.Label(ref round);
        assembler.mov(ecx, Depth);
        assembler.call(deeper);
        assembler.dec(r15d);
        assembler.jnz(round);
        assembler.jmp(end);
        assembler.Label(ref deeper);
        assembler.inc(rax);
        assembler.dec(ecx);
        assembler.jz(back);
        assembler.call(deeper);
        assembler.Label(ref back);
        assembler.ret();
        assembler.Label(ref end);
        assembler.hlt();
        guest.Put(assembler, TestGuest.CodeStart);

        Assert.IsType<VmExit.Halted>(guest.Run());

        Assert.Equal((ulong)Depth * Rounds, guest[Gpr.Rax]);
        Assert.InRange(guest.Vcpu.Statistics.Steps, 0, 10);
    }

    [Fact]
    public void A_function_whose_page_is_exchanged_is_called_where_it_is_now()
    {
        const ulong Function = 0x2_0000;
        const ulong Other = 0x5_0000;
        const uint Rounds = 1000;
        using var guest = TestGuest.LongWith(hotEntries: 1);
        ulong entry = GuestTables.PageTableOfFirst2M + (Function >> 12 << 3);
        Assembler assembler = new(64);
        Label round = assembler.CreateLabel();
        assembler.mov(ecx, Rounds);
        assembler.mov(edi, (uint)entry);
        assembler.Label(ref round);
        assembler.call(Function);
        assembler.xor(__byte_ptr[rdi + 2], (byte)((Function ^ Other) >> 16));
        assembler.invlpg(__byte_ptr[Function]);
        assembler.call(Function);
        assembler.dec(ecx);
        assembler.jnz(round);
        assembler.hlt();
        guest.Put(assembler, TestGuest.CodeStart);
        PutFunction(guest, Function, adds: 1);
        PutFunction(guest, Other, adds: 1000);

        Assert.IsType<VmExit.Halted>(guest.Run());

        Assert.Equal(Rounds * 1001ul, guest[Gpr.Rax]);
        Assert.True(guest.Vcpu.Statistics.BlocksTranslated > 2);
    }

    [Fact]
    public void The_interpreter_alone_translates_nothing()
    {
        using GuestMemory memory = new(1 << 20);
        using Vcpu vcpu = new(index: 0, memory, new EngineOptions { Choice = EngineChoice.Interpreter });

        Assert.False(vcpu.Statistics.HasTranslator);
    }

    private static ulong FunctionIn(int page) => TestGuest.CodeStart + (GuestMemory.PageBytes * ((ulong)page + 1));

    private static void PutFunction(TestGuest guest, ulong start, int adds)
    {
        Assembler function = new(64);
        function.add(rax, adds);
        function.ret();
        guest.Put(function, start);
    }

    private static TestGuest Loop(int hotEntries)
    {
        var guest = TestGuest.LongWith(hotEntries);
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
        return guest;
    }
}
