// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Execute;

/// <summary>Call gates, virtual-8086 mode and big real mode.</summary>
/// <remarks>Source: Intel SDM vol. 3A, sections 6.8.3 "Call Gates", 22.2 "Virtual-8086 Mode", 11.9 "Mode Switching".
/// </remarks>
public sealed class LegacyProtectionTests
{
    private const ushort Gate = 0x40;
    private const ulong GateTarget = 0x9000;
    private const ulong VirtualCode = 0x3_0000;
    private const ulong VirtualFlag = 1ul << 17;

    [Fact]
    public void A_call_gate_copies_parameters_to_the_inner_stack_and_RET_takes_them_off_both()
    {
        using var guest = TestGuest.Protected(
            a =>
            {
                a.push(0x11);
                a.push(0x22);
                a.call(Gate | 3, 0);
                a.mov(ebp, esp);
                a.@int(0x77);
            },
            privilege: 3);
        WriteCallGate(guest, dpl: 3, parameters: 2);
        Place(guest, GateTarget, a =>
        {
            a.mov(eax, __dword_ptr[esp + 8]);
            a.mov(ebx, __dword_ptr[esp + 12]);
            a.mov(ecx, __dword_ptr[esp + 4]);
            a.mov(edx, esp);
            a.mov(esi, cs);
            a.retf(8);
        });

        Assert.IsType<VmExit.Halted>(guest.Run());

        Assert.Equal(GuestTables.HandlerOf(0x77) + 1, guest.Vcpu.Rip);
        Assert.Equal((0x22ul, 0x11ul), (guest[Gpr.Rax], guest[Gpr.Rbx]));
        Assert.Equal((ulong)GuestTables.UserCode32, guest[Gpr.Rcx]);
        Assert.Equal(GuestTables.KernelStack - 24, guest[Gpr.Rdx]);
        Assert.Equal((ulong)GuestTables.KernelCode32, guest[Gpr.Rsi]);
        Assert.Equal(TestGuest.StackTop, guest[Gpr.Rbp]);
    }

    [Fact]
    public void A_call_gate_of_an_inner_privilege_is_refused_and_a_missing_one_is_not_present()
    {
        foreach ((int dpl, bool isPresent, int vector) in new[] { (0, true, 13), (3, false, 11) })
        {
            using var guest = TestGuest.Protected(a => a.call(Gate | 3, 0), privilege: 3);
            WriteCallGate(guest, dpl, parameters: 0, isPresent);

            Assert.IsType<VmExit.Halted>(guest.Run());
            Assert.Equal(GuestTables.HandlerOf(vector) + 1, guest.Vcpu.Rip);
            Assert.Equal((uint)Gate, (uint)guest.Read64(guest[Gpr.Rsp]));
        }
    }

    [Fact]
    public void A_call_gate_of_64_bits_leads_to_an_inner_stack_without_parameters()
    {
        using var guest = TestGuest.Long(
            a =>
            {
                a.push(0x55);

                // call far [rbx]
                a.db(0xFF, 0x1B);
                a.mov(rbp, rsp);
                a.@int(0x77);
            },
            privilege: 3);
        guest.Write64(
            GuestTables.Gdt + Gate, GateTarget | ((ulong)GuestTables.KernelCode64 << 16) | (0xECul << 40));
        guest.Write64(GuestTables.Gdt + Gate + 8, 0);
        guest.Change(state => state with { Gdtr = state.Gdtr with { Limit = 0x5F } });
        guest.Write64(TestGuest.DataStart, (ulong)(Gate | 3) << 32);
        guest[Gpr.Rbx] = TestGuest.DataStart;
        Place(guest, GateTarget, a =>
        {
            a.mov(rdx, rsp);
            a.mov(rcx, __qword_ptr[rsp + 16]);
            a.db(0x48, 0xCB);
        }, bitness: 64);

        Assert.IsType<VmExit.Halted>(guest.Run());

        Assert.Equal(GuestTables.HandlerOf(0x77) + 1, guest.Vcpu.Rip);
        Assert.Equal(GuestTables.KernelStack - 32, guest[Gpr.Rdx]);
        Assert.Equal(TestGuest.StackTop - 8, guest[Gpr.Rcx]);
        Assert.Equal(TestGuest.StackTop - 8, guest[Gpr.Rbp]);
    }

    [Fact]
    public void Virtual_8086_code_adds_segments_and_leaves_by_a_fault_with_all_of_them_on_the_stack()
    {
        using var guest = TestGuest.Protected(a => EnterVirtual(a, ioPrivilege: 0));
        guest.Memory.Write(new Gpa(VirtualCode), [0x8B, 0x07, 0xFA]);
        guest.Write64(0x2_0010, 0xBEEF);
        guest[Gpr.Rbx] = 0x10;

        Assert.IsType<VmExit.Halted>(guest.Run());

        Assert.Equal(GuestTables.HandlerOf(13) + 1, guest.Vcpu.Rip);
        Assert.Equal(0xBEEFul, guest[Gpr.Rax] & 0xFFFF);
        ulong frame = guest[Gpr.Rsp];
        Assert.Equal(GuestTables.KernelStack - 40, frame);
        uint[] words = [.. Enumerable.Range(0, 10).Select(i => (uint)guest.Read64(frame + (ulong)(i * 4)))];
        Assert.Equal([0u, 2, 0x3000], words[..3]);
        Assert.Equal(VirtualFlag, words[3] & VirtualFlag);
        Assert.Equal([0x1000u, 0x5000, 0x4000, 0x2000, 0x6000, 0x6100], words[4..]);
        VcpuState state = guest.Vcpu.Save();
        Assert.Equal(0ul, state.RFlags & VirtualFlag);
        Assert.Equal(0, state.Segments[(int)SegmentName.Ds].Selector);
        Assert.Equal(0, state.Segments[(int)SegmentName.Gs].Selector);
    }

    [Theory]
    [InlineData(3, 0xFA, false)]
    [InlineData(0, 0xFA, true)]
    [InlineData(3, 0x9C, false)]
    [InlineData(0, 0x9C, true)]
    [InlineData(0, 0xCF, true)]
    [InlineData(3, 0xF4, true)]
    public void Virtual_8086_code_needs_IOPL_3_for_flags_and_may_never_halt(
        int ioPrivilege, byte opcode, bool isRefused)
    {
        using var guest = TestGuest.Protected(a => EnterVirtual(a, ioPrivilege));

        // The opcode, then UD2.
        guest.Memory.Write(new Gpa(VirtualCode), [opcode, 0x0F, 0x0B]);

        VmExit exit = guest.Run();

        Assert.Equal(isRefused, guest.Vcpu.Rip == GuestTables.HandlerOf(13) + 1);
        Assert.Equal(!isRefused, exit is VmExit.InvalidOpcode);
    }

    [Fact]
    public void A_limit_that_was_loaded_in_protected_mode_stays_in_real_mode()
    {
        using var guest = TestGuest.Real(a =>
        {
            a.cli();
            a.lgdt(__[0x6000]);
            a.mov(eax, cr0);
            a.or(al, 1);
            a.mov(cr0, eax);
            a.mov(cx, GuestTables.KernelData);
            a.mov(fs, cx);
            a.and(al, 0xFE);
            a.mov(cr0, eax);
            a.mov(esi, (int)TestGuest.DataStart);

            // mov edx, fs:[esi], before and after a load of FS in real mode
            a.db(0x67, 0x66, 0x64, 0x8B, 0x16);
            a.xor(cx, cx);
            a.mov(fs, cx);
            a.db(0x67, 0x66, 0x64, 0x8B, 0x3E);
            a.hlt();
        });
        GuestTables.WriteProtected(guest.Memory);
        guest.Write64(0x6000, GuestTables.GdtLimit | (GuestTables.Gdt << 16));
        guest.Write64(TestGuest.DataStart, 0x1234_5678);

        VmExit exit = guest.Run();

        Assert.True(exit is VmExit.Halted, exit.ToString());
        Assert.Equal((0x1234_5678ul, 0x1234_5678ul), (guest[Gpr.Rdx], guest[Gpr.Rdi]));
        Assert.Equal(CpuMode.Real16, guest.Vcpu.Mode);
    }

    private static void EnterVirtual(Assembler a, int ioPrivilege)
    {
        // GS, FS, DS, ES, SS, ESP, EFLAGS, CS, EIP.
        int[] words = [0x6100, 0x6000, 0x2000, 0x4000, 0x5000, 0x1000, 0x2_0002 | (ioPrivilege << 12), 0x3000, 0];
        foreach (int word in words)
        {
            a.push(word);
        }

        a.iretd();
    }

    private static void WriteCallGate(TestGuest guest, int dpl, int parameters, bool isPresent = true)
    {
        ulong rights = (ulong)((isPresent ? 0x80 : 0) | (dpl << 5) | 0xC);
        guest.Write64(
            GuestTables.Gdt + Gate,
            GateTarget | ((ulong)GuestTables.KernelCode32 << 16) | ((ulong)parameters << 32) | (rights << 40));
    }

    private static void Place(TestGuest guest, ulong address, Action<Assembler> program, int bitness = 32)
    {
        Assembler assembler = new(bitness);
        program(assembler);
        using MemoryStream code = new();
        assembler.Assemble(new StreamCodeWriter(code), address);
        guest.Memory.Write(new Gpa(address), code.ToArray());
    }
}
