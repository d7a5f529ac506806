// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Execute;

/// <summary>SYSCALL, SYSRET, SYSENTER, SYSEXIT, SWAPGS, and segment bases.</summary>
public sealed class SystemCallTests
{
    private const ulong Entry = 0x1_1000;
    private const uint Star = 0xC000_0081;
    private const uint Lstar = 0xC000_0082;
    private const uint Sfmask = 0xC000_0084;
    private const uint KernelGsBase = 0xC000_0102;

    [Fact]
    public void SYSCALL_enters_the_kernel_and_SYSRETQ_returns()
    {
        using var guest = TestGuest.Long(
            a =>
            {
                a.stc();
                a.syscall();
                a.@int(0x70);
            },
            privilege: 3);
        Place(guest, a =>
        {
            a.mov(r8, cs);
            a.mov(r9, ss);
            a.swapgs();
            a.mov(r10, __qword_ptr.gs[0x10]);
            a.swapgs();
            a.sysretq();
        });

        // User selectors of SYSRET are STAR[63:48] + 16 and + 8: 0x33 and 0x2B.
        SetMsr(guest, Star, (0x20ul << 48) | ((ulong)GuestTables.KernelCode64 << 32));
        SetMsr(guest, Lstar, Entry);
        SetMsr(guest, Sfmask, 0x1);
        SetMsr(guest, KernelGsBase, TestGuest.DataStart);
        guest.Write64(TestGuest.DataStart + 0x10, 0x1234_5678_9ABC);

        Assert.IsType<VmExit.Halted>(guest.Run());

        Assert.Equal(GuestTables.HandlerOf(0x70) + 1, guest.Vcpu.Rip);
        Assert.Equal((ulong)GuestTables.KernelCode64, guest[Gpr.R8]);
        Assert.Equal((ulong)GuestTables.KernelData, guest[Gpr.R9]);
        Assert.Equal(0x1234_5678_9ABCul, guest[Gpr.R10]);
        Assert.Equal(TestGuest.CodeStart + 3, guest[Gpr.Rcx]);
        Assert.Equal(0x3ul, guest[Gpr.R11] & 0x3);
        Assert.Equal((ulong)GuestTables.UserCode64, guest.Read64(guest[Gpr.Rsp] + 8));
        Assert.Equal((ulong)GuestTables.UserData, guest.Read64(guest[Gpr.Rsp] + 32));
    }

    [Fact]
    public void SYSCALL_without_its_enable_bit_does_not_exist()
    {
        using var guest = TestGuest.Long(a => a.syscall());
        guest.Change(state => state with { Efer = 0xD00 });

        Assert.IsType<VmExit.InvalidOpcode>(guest.Run());
    }

    [Fact]
    public void SYSCALL_of_compatibility_mode_exists_for_AMD_guests_only()
    {
        foreach (bool isAmd in new[] { false, true })
        {
            using var guest = TestGuest.Long(a => a.nop());
            guest.Memory.Write(new Gpa(TestGuest.CodeStart), [0x0F, 0x05]);
            guest.Memory.Write(new Gpa(Entry), [0xF4]);
            SetMsr(guest, 0xC000_0083, Entry);
            SetMsr(guest, Star, (ulong)GuestTables.KernelCode64 << 32);
            guest.Change(state => state with
            {
                Cpuid = isAmd ? TestGuest.AllFeaturesOfAmd : TestGuest.AllFeatures,
                Segments = state.Segments.SetItem((int)SegmentName.Cs, GuestTables.Code32(dpl: 0)),
            });

            VmExit exit = guest.Run();

            Assert.Equal(isAmd, exit is VmExit.Halted);
            Assert.Equal(isAmd, exit is not VmExit.InvalidOpcode);
        }
    }

    [Fact]
    public void SYSENTER_and_SYSEXIT_use_their_MSRs()
    {
        using var guest = TestGuest.Long(
            a =>
            {
                a.sysenter();
                a.@int(0x70);
            },
            privilege: 3);
        Place(guest, a =>
        {
            a.mov(r8, rsp);
            a.mov(rcx, TestGuest.StackTop);
            a.mov(edx, (int)TestGuest.CodeStart + 2);
            a.db(0x48, 0x0F, 0x35);
        });

        // SYSEXIT's 64-bit selectors are SYSENTER_CS + 32 and + 40, both with RPL 3: 0x28 and 0x30 are data and code
        // here, the other way round, so only the saved selectors are looked at.
        SetMsr(guest, 0x174, GuestTables.KernelCode64);
        SetMsr(guest, 0x175, GuestTables.KernelStack);
        SetMsr(guest, 0x176, Entry);

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(GuestTables.HandlerOf(0x70) + 1, guest.Vcpu.Rip);
        Assert.Equal(GuestTables.KernelStack, guest[Gpr.R8]);
        Assert.Equal(0x2Bul, guest.Read64(guest[Gpr.Rsp] + 8));
        Assert.Equal(0x33ul, guest.Read64(guest[Gpr.Rsp] + 32));
    }

    [Fact]
    public void FS_and_GS_bases_are_added_and_can_be_set_by_their_instructions()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.wrfsbase(rbx);
            a.rdfsbase(rcx);
            a.mov(rax, __qword_ptr.fs[8]);
            a.hlt();
        });
        guest.Change(state => state with { Cr4 = state.Cr4 | (1ul << 16) });
        guest[Gpr.Rbx] = TestGuest.DataStart;
        guest.Write64(TestGuest.DataStart + 8, 99);

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(99ul, guest[Gpr.Rax]);
        Assert.Equal(TestGuest.DataStart, guest[Gpr.Rcx]);
    }

    private static void SetMsr(TestGuest guest, uint index, ulong value) => guest.Change(state => state with
    {
        Msrs = [.. state.Msrs.Select(msr => msr.Index == index ? msr with { Value = value } : msr)],
    });

    private static void Place(TestGuest guest, Action<Assembler> program)
    {
        Assembler assembler = new(64);
        program(assembler);
        using MemoryStream code = new();
        assembler.Assemble(new StreamCodeWriter(code), Entry);
        guest.Memory.Write(new Gpa(Entry), code.ToArray());
    }
}
