// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Execute;

/// <summary>What leaves the engine, where RIP stands then, and what it has counted.</summary>
public sealed class ExitTests
{
    [Fact]
    public void A_port_read_leaves_before_the_instruction_and_completing_retires_it()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(rax, -1L);
            a.mov(edx, 0x1F0);
            a.@in(ax, dx);
            a.@in(eax, 0x70);
            a.hlt();
        });

        VmExit first = guest.Run();
        Assert.Equal(new VmExit.PortRead(0x1F0, SizeBytes: 2), first);
        Assert.Equal(2ul, guest.Vcpu.InstructionsRetired);
        guest.Vcpu.CompletePortRead(0xABCD_1234);
        Assert.Equal(0xFFFF_FFFF_FFFF_1234ul, guest[Gpr.Rax]);
        Assert.Equal(3ul, guest.Vcpu.InstructionsRetired);

        Assert.Equal(new VmExit.PortRead(0x70, SizeBytes: 4), guest.Run());
        guest.Vcpu.CompletePortRead(0x8000_0001);
        Assert.Equal(0x8000_0001ul, guest[Gpr.Rax]);
        Assert.IsType<VmExit.Halted>(guest.Run());
    }

    [Fact]
    public void A_port_access_that_is_not_completed_exits_again()
    {
        using var guest = TestGuest.Long(a => a.@out(0xF4, al));
        guest[Gpr.Rax] = 0x321;

        Assert.Equal(new VmExit.PortWrite(0xF4, SizeBytes: 1, Value: 0x21), guest.Run());
        Assert.Equal(new VmExit.PortWrite(0xF4, SizeBytes: 1, Value: 0x21), guest.Run());
        Assert.Throws<InvalidOperationException>(() => guest.Vcpu.CompletePortRead(0));
        guest.Vcpu.CompletePortWrite();
        Assert.Throws<InvalidOperationException>(guest.Vcpu.CompletePortWrite);
        Assert.Equal(1ul, guest.Vcpu.InstructionsRetired);
    }

    [Fact]
    public void A_repeated_port_string_exits_for_each_iteration()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.rep.insw();
            a.mov(rsi, rbx);
            a.mov(ecx, 2);
            a.rep.outsb();
            a.mov(ecx, 0);
            a.rep.outsb();
            a.hlt();
        });
        guest[Gpr.Rcx] = 3;
        guest[Gpr.Rdx] = 0x1F0;
        guest[Gpr.Rdi] = TestGuest.DataStart;
        guest[Gpr.Rbx] = TestGuest.DataStart;

        for (uint value = 0x1111; value <= 0x3333; value += 0x1111)
        {
            Assert.Equal(new VmExit.PortRead(0x1F0, SizeBytes: 2), guest.Run());
            guest.Vcpu.CompletePortRead(value);
        }

        Assert.Equal(0x0000_3333_2222_1111ul, guest.Read64(TestGuest.DataStart));
        Assert.Equal(0ul, guest[Gpr.Rcx]);
        Assert.Equal(TestGuest.DataStart + 6, guest[Gpr.Rdi]);
        Assert.Equal(new VmExit.PortWrite(0x1F0, SizeBytes: 1, Value: 0x11), guest.Run());
        guest.Vcpu.CompletePortWrite();
        Assert.Equal(new VmExit.PortWrite(0x1F0, SizeBytes: 1, Value: 0x11), guest.Run());
        guest.Vcpu.CompletePortWrite();
        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(10ul, guest.Vcpu.InstructionsRetired);
    }

    [Fact]
    public void Ports_at_privilege_3_follow_IOPL_and_the_bitmap()
    {
        using var iopl = TestGuest.Long(a => a.@in(al, 0x60), privilege: 3);
        iopl.Change(state => state with { RFlags = 0x3002 });
        Assert.IsType<VmExit.PortRead>(iopl.Run());

        using var bitmap = TestGuest.Long(
            a =>
            {
                a.@in(al, 0x60);
                a.@in(ax, 0x60);
            },
            privilege: 3);

        // Bitmap at offset 0x68: port 0x60 open, 0x61 closed.
        bitmap.Write64(GuestTables.TaskSegment + 0x68 + (0x60 / 8), 0x02);
        bitmap.Change(state => state with
        {
            Segments = state.Segments.SetItem(
                (int)SegmentName.Tr, state.Segments[(int)SegmentName.Tr] with { Limit = 0x68 + 0x20 }),
        });
        Assert.IsType<VmExit.PortRead>(bitmap.Run());
        bitmap.Vcpu.CompletePortRead(0);
        Assert.IsType<VmExit.Halted>(bitmap.Run());
        Assert.Equal(GuestTables.HandlerOf(13) + 1, bitmap.Vcpu.Rip);
    }

    [Theory]
    [InlineData(HostVendor.Intel, false, true)]
    [InlineData(HostVendor.Intel, true, false)]
    [InlineData(HostVendor.Amd, false, false)]
    [InlineData(HostVendor.Amd, true, true)]
    public void Only_the_hosts_own_hypercall_instruction_is_one(HostVendor host, bool isVmmcall, bool isHypercall)
    {
        using var guest = TestGuest.Long(
            a =>
            {
                if (isVmmcall)
                {
                    a.vmmcall();
                }
                else
                {
                    a.vmcall();
                }
            },
            privilege: 3);
        guest.Vcpu.HostVendor = host;

        VmExit exit = guest.Run();

        Assert.Equal(isHypercall, exit is VmExit.Hypercall);
        Assert.Equal(isHypercall, exit is not VmExit.InvalidOpcode);
        Assert.Equal(TestGuest.CodeStart, guest.Vcpu.Rip);
        Assert.Equal(0ul, guest.Vcpu.InstructionsRetired);
        guest.Vcpu.SkipInstruction(lengthBytes: 3);
        Assert.Equal(TestGuest.CodeStart + 3, guest.Vcpu.Rip);
        Assert.Equal(1ul, guest.Vcpu.InstructionsRetired);
    }

    [Theory]
    [InlineData(new byte[] { 0x66, 0x0F, 0x01, 0xC1 })]
    [InlineData(new byte[] { 0xF2, 0x0F, 0x01, 0xC1 })]
    [InlineData(new byte[] { 0xF3, 0x0F, 0x01, 0xD9 })]
    [InlineData(new byte[] { 0xF0, 0x0F, 0x01, 0xC1 })]
    [InlineData(new byte[] { 0x0F, 0x0B })]
    [InlineData(new byte[] { 0x0F, 0xFF, 0xC0 })]
    [InlineData(new byte[] { 0x0F, 0xB9, 0xC0 })]
    [InlineData(new byte[] { 0xF0, 0x90 })]
    [InlineData(new byte[] { 0x06 })]
    [InlineData(new byte[] { 0xF0, 0x0F, 0xC7, 0xF0 })]
    [InlineData(new byte[] { 0x0F, 0x01, 0xD0 })]
    [InlineData(new byte[] { 0xC5, 0xF8, 0x77 })]
    [InlineData(new byte[] { 0x0F, 0x58, 0xC1 })]
    public void What_does_not_exist_exits_with_nothing_delivered(byte[] code)
    {
        using var guest = TestGuest.Long(a => a.nop());
        guest.Memory.Write(new Gpa(TestGuest.CodeStart), code);

        Assert.IsType<VmExit.InvalidOpcode>(guest.Run());
        Assert.Equal(TestGuest.CodeStart, guest.Vcpu.Rip);
        guest.Vcpu.InjectException(vector: 6, errorCode: null, cr2: null);
        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(GuestTables.HandlerOf(6) + 1, guest.Vcpu.Rip);
        Assert.Equal(TestGuest.CodeStart, guest.Read64(guest[Gpr.Rsp]));
    }

    [Fact]
    public void What_the_engine_lacks_is_named_and_nothing_is_changed()
    {
        // A table that was not vetted offers what the engine does not have.
        using var guest = TestGuest.Long(a => a.aesenc(xmm0, xmm1));
        guest.Change(state => state with
        {
            Cpuid = CpuidTable.Of(state.Cpuid.Entries.Select(entry =>
                entry.Leaf == 1 ? entry with { Ecx = entry.Ecx | (1 << 25) } : entry)),
        });
        string before = StateText.Of(guest.Vcpu.Save());

        VmExit.EmulationFailure failure = Assert.IsType<VmExit.EmulationFailure>(guest.Run());

        Assert.Equal(TestGuest.CodeStart, failure.Rip.Value);
        Assert.Equal("660F38DCC1", Convert.ToHexString(failure.Bytes.AsSpan(0, 5)));
        Assert.Contains("Aesenc", failure.Reason, StringComparison.Ordinal);
        Assert.Equal(before, StateText.Of(guest.Vcpu.Save()));
    }

    [Theory]
    [InlineData(0x8001_0015ul, 0x20ul, 7)]
    [InlineData(0x8001_0019ul, 0x20ul, 7)]
    public void Floating_point_that_is_switched_off_is_not_available(ulong cr0, ulong cr4, int vector)
    {
        using var guest = TestGuest.Long(a => a.fadd(st0, st1));
        guest.Change(state => state with { Cr0 = cr0, Cr4 = cr4 });

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(GuestTables.HandlerOf(vector) + 1, guest.Vcpu.Rip);
    }

    [Fact]
    public void The_guest_s_time_is_the_vm_s_and_counts_instructions()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.rdtsc();
            a.mov(ebx, eax);
            a.nop();
            a.rdtsc();
            a.mov(ecx, 0x10);
            a.xor(edx, edx);
            a.mov(eax, 5000);
            a.wrmsr();
            a.rdtsc();
            a.hlt();
        });

        // Moving the counter moves the deadline of a timer that goes by it.
        Assert.IsType<VmExit.DeadlineChanged>(guest.Vcpu.Run(TestGuest.Plenty, vmTime: 1000));
        Assert.IsType<VmExit.Halted>(guest.Vcpu.Run(TestGuest.Plenty, vmTime: 1000 + guest.Vcpu.InstructionsRetired));
        Assert.Equal(1000ul, guest[Gpr.Rbx]);
        Assert.Equal(5001ul, guest[Gpr.Rax]);
        Assert.Equal(5000ul - 1007, guest.Vcpu.Save().Msrs.Single(msr => msr.Index == 0x3B).Value);
    }

    [Fact]
    public void CPUID_answers_from_the_table_and_remembers_who_asked()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.xor(eax, eax);
            a.cpuid();
            a.mov(esi, ebx);
            a.xor(eax, eax);
            a.xor(ecx, ecx);
            a.cpuid();
            a.hlt();
        });

        guest.Vcpu.Run(TestGuest.Plenty, vmTime: 50);

        Assert.Equal(0x756E_6547ul, guest[Gpr.Rsi]);
        Assert.Equal(
            [new Cpu.Cpuid.CpuidObservation(0, 0, FirstVmTime: 51, Reads: 2)], guest.Vcpu.Observed.ToArray());
    }

    [Fact]
    public void A_table_that_changes_between_runs_changes_what_exists()
    {
        using var guest = TestGuest.Long(a =>
        {
            Label again = a.CreateLabel();
            a.Label(ref again);
            a.popcnt(eax, ebx);
            a.jmp(again);
        });
        Assert.IsType<VmExit.BudgetSpent>(guest.Run(budget: 10));

        guest.Vcpu.Cpuid = Cpu.Cpuid.CpuidTable.Empty;

        Assert.IsType<VmExit.InvalidOpcode>(guest.Run(budget: 10));
    }
}
