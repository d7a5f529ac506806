// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Execute;

/// <summary>Real mode, 16- and 32-bit protected mode, and the ways between the modes.</summary>
public sealed class LegacyModeTests
{
    [Fact]
    public void The_reset_vector_is_fetched_at_the_top_of_four_gibibytes()
    {
        using GuestMemory memory = new(1ul << 20);
        using Vcpu vcpu = new(index: 0, memory);

        // Nothing is there: all ones, which is no instruction.
        Assert.Equal(0xFFFF_FFF0ul, vcpu.LinearRip.Value);
        Assert.IsType<VmExit.InvalidOpcode>(vcpu.Run(1, 0));
        Assert.Equal(CpuMode.Real16, vcpu.Mode);
    }

    [Fact]
    public void Real_mode_adds_segments_and_wraps_at_16_bits()
    {
        using var guest = TestGuest.Real(a =>
        {
            a.mov(ax, 0x2000);
            a.mov(ds, ax);
            a.mov(bx, 0x1234);
            a.mov(__word_ptr[bx + 4], bx);
            a.push(bx);
            a.pop(cx);
            a.mov(dx, __word_ptr[bx + 4]);
            a.hlt();
        });

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(0x1234ul, guest.Read64(0x2_1238) & 0xFFFF);
        Assert.Equal(0x1234ul, guest[Gpr.Rcx]);
        Assert.Equal(0x1234ul, guest[Gpr.Rdx]);
    }

    [Fact]
    public void Real_mode_interrupts_go_through_the_vector_table()
    {
        using var guest = TestGuest.Real(a =>
        {
            a.@int(0x21);
            a.mov(bx, 7);
            a.hlt();
        });
        guest.Write64(0x21 * 4, 0x0800_0010);
        guest.Memory.Write(new Gpa(0x8010), [0xB8, 0x55, 0x00, 0xCF]);

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(0x55ul, guest[Gpr.Rax]);
        Assert.Equal(7ul, guest[Gpr.Rbx]);
        Assert.Equal(0x7000ul, guest[Gpr.Rsp]);
    }

    [Fact]
    public void A_word_at_the_end_of_a_real_mode_segment_is_a_general_protection_fault()
    {
        using var guest = TestGuest.Real(a => a.mov(ax, __word_ptr[0xFFFF]));
        guest.Write64(13 * 4, 0x0900_0000);
        guest.Memory.Write(new Gpa(0x9000), [0xF4]);

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(1ul, guest.Vcpu.Rip);
        Assert.Equal(0x7000ul - 6, guest[Gpr.Rsp]);
        Assert.Equal(0ul, guest.Read64(0x7000 - 6) & 0xFFFF);
    }

    [Fact]
    public void A_guest_goes_from_real_mode_to_protected_to_long_and_back_to_real_by_itself()
    {
        using var guest = TestGuest.Real(RealPart);
        GuestTables.WriteLong(guest.Memory);
        guest.Write64(0x1_8000, GuestTables.GdtLimit | (GuestTables.Gdt << 16));
        Place(guest, 32, 0x1_1000, ProtectedPart);
        Place(guest, 64, 0x1_2000, LongPart);
        Place(guest, 32, 0x1_3000, LeavingPart);
        Place(guest, 16, 0x1_4000, SmallPart);
        Place(guest, 16, 0x1_5000, RealAgainPart);

        VmExit exit = guest.Run();

        Assert.True(exit is VmExit.Halted, exit.ToString());
        Assert.Equal(CpuMode.Real16, guest.Vcpu.Mode);
        Assert.Equal(0x1_1111ul, guest[Gpr.Rbx]);
        Assert.Equal(0x10ul, guest.Vcpu.Save().Cr0 & 0x8000_0011);
        Assert.Equal(0ul, guest.Vcpu.Save().Efer & 0x400);
    }

    [Fact]
    public void Protected_mode_checks_types_and_limits()
    {
        // 0x50: data, limit 0xFFF.
        using var limit = TestGuest.Protected(a =>
        {
            a.mov(eax, (int)GuestTables.SmallData);
            a.mov(ds, ax);
            a.mov(ecx, __dword_ptr[0xFFC]);
            a.mov(ecx, __dword_ptr[0xFFD]);
        });
        AssertFault(limit, vector: 13, errorCode: 0, TestGuest.CodeStart + 14);

        using var stack = TestGuest.Protected(a =>
        {
            a.mov(eax, (int)GuestTables.SmallData);
            a.mov(ss, ax);
            a.mov(esp, 2);
            a.push(eax);
        });

        // #SS cannot be pushed on that stack either, nor can #DF.
        Assert.IsType<VmExit.Shutdown>(stack.Run());

        using var code = TestGuest.Protected(a =>
        {
            a.mov(eax, (int)GuestTables.KernelCode32);
            a.mov(ds, ax);
            a.mov(__dword_ptr[0x20_0000], eax);
        });
        AssertFault(code, vector: 13, errorCode: 0, TestGuest.CodeStart + 8);
    }

    [Fact]
    public void A_32_bit_gate_changes_to_the_stack_of_the_TSS_and_IRETD_returns()
    {
        using var guest = TestGuest.Protected(
            a =>
            {
                a.@int(0x41);
                a.mov(ecx, 9);
                a.@int(0x42);
            },
            privilege: 3);
        guest.Memory.Write(new Gpa(GuestTables.HandlerOf(0x41)), [0x89, 0xE3, 0xCF]);

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(GuestTables.KernelStack - 20, guest[Gpr.Rbx]);
        Assert.Equal(9ul, guest[Gpr.Rcx]);
        ulong frame = guest[Gpr.Rsp];
        Assert.Equal((uint)TestGuest.CodeStart + 9, (uint)guest.Read64(frame));
        Assert.Equal((uint)GuestTables.UserCode32, (uint)guest.Read64(frame + 4));
        Assert.Equal((uint)TestGuest.StackTop, (uint)guest.Read64(frame + 12));
        Assert.Equal((uint)GuestTables.UserData, (uint)guest.Read64(frame + 16));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Paging_of_32_bit_and_PAE_translates_and_faults(bool isPae)
    {
        using var guest = TestGuest.Protected(a =>
        {
            a.mov(eax, __dword_ptr[0x40_0000 + 0x123]);
            a.mov(__dword_ptr[0x40_1000], eax);
        });
        const ulong Tables = 0x30_0000;
        if (isPae)
        {
            guest.Write64(Tables, (Tables + 0x1000) | 1);
            guest.Write64(Tables + 0x1000, 0x83);
            guest.Write64(Tables + 0x1008, 0x20_0083);
            guest.Write64(Tables + 0x1010, (Tables + 0x2000) | 3);
            guest.Write64(Tables + 0x2000, 0x25_0003);
            guest.Write64(Tables + 0x2008, 0x25_1001);
        }
        else
        {
            guest.Write64(Tables, 0x83 | ((Tables + 0x2000) << 32) | (3ul << 32));
            guest.Write64(Tables + 0x2000, 0x25_0003 | (0x25_1001ul << 32));
        }

        guest.Write64(0x25_0123, 0x1234_5678);
        guest.Change(state => state with
        {
            Cr0 = 0x8001_0011,
            Cr3 = Tables,
            Cr4 = isPae ? 0x20ul : 0x10ul,
        });

        AssertFault(guest, vector: 14, errorCode: 3, TestGuest.CodeStart + 5);
        Assert.Equal(0x1234_5678ul, guest[Gpr.Rax]);
        Assert.Equal(0x40_1000ul, guest.Vcpu.Save().Cr2);
    }

    [Fact]
    public void Far_calls_and_returns_change_the_code_segment()
    {
        using var guest = TestGuest.Protected(a =>
        {
            a.call(GuestTables.KernelCode32, 0x1_1000);
            a.mov(ecx, 3);
            a.hlt();
        });
        Place(guest, 32, 0x1_1000, a =>
        {
            a.mov(ebx, cs);
            a.retf();
        });

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(3ul, guest[Gpr.Rcx]);
        Assert.Equal((ulong)GuestTables.KernelCode32, guest[Gpr.Rbx]);
        Assert.Equal(TestGuest.StackTop, guest[Gpr.Rsp]);
    }

    [Fact]
    public void A_far_call_through_memory_takes_a_16_bit_pointer_in_real_mode()
    {
        using var guest = TestGuest.Real(a =>
        {
            // call far word [ebx], with an address size of 32 bits.
            a.db(0x67, 0xFF, 0x1B);
            a.mov(cx, 3);
            a.hlt();
        });
        guest[Gpr.Rbx] = 0x6000;
        guest.Write64(0x6000, 0xFFFF_FFFF_0900_0004);
        guest.Memory.Write(new Gpa(0x9004), [0x8C, 0xC8, 0xCB]);

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(0x900ul, guest[Gpr.Rax]);
        Assert.Equal(3ul, guest[Gpr.Rcx]);
        Assert.Equal(0x7000ul, guest[Gpr.Rsp]);
        Assert.Equal(5ul, guest.Vcpu.InstructionsRetired);
    }

    private static void RealPart(Assembler a)
    {
        a.cli();
        a.mov(ax, 0x1800);
        a.mov(ds, ax);
        a.lgdt(__[0]);
        a.mov(eax, cr0);
        a.or(al, 1);
        a.mov(cr0, eax);
        a.mov(ebx, 1);

        // jmp far 0x18:0x11000, with a 32-bit offset.
        a.db(0x66, 0xEA, 0x00, 0x10, 0x01, 0x00, 0x18, 0x00);
    }

    private static void ProtectedPart(Assembler a)
    {
        a.mov(eax, (int)GuestTables.KernelData);
        a.mov(ds, ax);
        a.mov(es, ax);
        a.mov(ss, ax);
        a.mov(esp, (int)TestGuest.StackTop);
        a.or(ebx, 0x10);
        a.mov(eax, 0x20);
        a.mov(cr4, eax);
        a.mov(eax, (int)GuestTables.PageMapLevel4);
        a.mov(cr3, eax);
        a.mov(ecx, 0xC000_0080);
        a.rdmsr();
        a.or(eax, 0x100);
        a.wrmsr();
        a.mov(eax, cr0);
        a.or(eax, unchecked((int)0x8000_0000));
        a.mov(cr0, eax);
        a.db(0xEA, 0x00, 0x20, 0x01, 0x00, 0x08, 0x00);
    }

    private static void LongPart(Assembler a)
    {
        a.mov(rax, 0x1_0000_0000);
        a.shr(rax, 24);
        a.or(rbx, rax);
        a.push((int)GuestTables.KernelCode32);
        a.push(0x1_3000);
        a.db(0x48, 0xCB);
    }

    private static void LeavingPart(Assembler a)
    {
        a.or(ebx, 0x1000);
        a.mov(eax, cr0);
        a.and(eax, 0x7FFF_FFFF);
        a.mov(cr0, eax);
        a.mov(ecx, 0xC000_0080);
        a.xor(eax, eax);
        a.xor(edx, edx);
        a.wrmsr();
        a.db(0xEA, 0x00, 0x40, 0x00, 0x00, 0x48, 0x00);
    }

    private static void SmallPart(Assembler a)
    {
        a.mov(eax, cr0);
        a.and(al, 0xFE);
        a.mov(cr0, eax);
        a.db(0xEA, 0x00, 0x00, 0x00, 0x15);
    }

    private static void RealAgainPart(Assembler a)
    {
        a.or(ebx, 0x1_0000);
        a.hlt();
    }

    private static void Place(TestGuest guest, int bitness, ulong address, Action<Assembler> program)
    {
        Assembler assembler = new(bitness);
        program(assembler);
        using MemoryStream code = new();
        assembler.Assemble(new StreamCodeWriter(code), address);
        guest.Memory.Write(new Gpa(address), code.ToArray());
    }

    private static void AssertFault(TestGuest guest, int vector, uint errorCode, ulong rip)
    {
        VmExit exit = guest.Run();
        Assert.True(exit is VmExit.Halted, exit.ToString());
        Assert.Equal(GuestTables.HandlerOf(vector) + 1, guest.Vcpu.Rip);
        Assert.Equal(errorCode, (uint)guest.Read64(guest[Gpr.Rsp]));
        Assert.Equal(rip, (uint)guest.Read64(guest[Gpr.Rsp] + 4));
    }
}
