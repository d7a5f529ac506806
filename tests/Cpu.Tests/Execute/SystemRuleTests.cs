// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Apic;
using KvmActors.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Execute;

/// <summary>Rules of the system instructions that no other class here is about.</summary>
public sealed class SystemRuleTests
{
    private const ulong NotCanonical = 0x0000_8000_0000_0000;
    private const ulong PreventUser = 1ul << 11;

    [Theory]
    [InlineData("sgdt")]
    [InlineData("sidt")]
    [InlineData("sldt")]
    [InlineData("str")]
    [InlineData("smsw")]
    public void UMIP_keeps_user_code_from_asking_where_the_tables_are(string what)
    {
        foreach ((int privilege, ulong cr4) in new[] { (0, PreventUser), (3, 0ul), (3, PreventUser) })
        {
            using var guest = TestGuest.Long(a => Ask(a, what), privilege);
            guest.Change(state => state with { Cr4 = state.Cr4 | cr4 });
            guest[Gpr.Rbx] = TestGuest.DataStart;

            Assert.IsType<VmExit.Halted>(guest.Run());
            bool isRefused = privilege == 3 && cr4 != 0;
            Assert.Equal(GuestTables.HandlerOf(isRefused ? 13 : 0x77) + 1, guest.Vcpu.Rip);
        }
    }

    [Theory]
    [InlineData("load", 13)]
    [InlineData("store", 13)]
    [InlineData("load of the stack", 12)]
    [InlineData("push", 12)]
    [InlineData("jump", 13)]
    [InlineData("last byte", 13)]
    [InlineData("msr", 13)]
    public void An_address_that_is_not_canonical_is_refused(string what, int vector)
    {
        using var guest = TestGuest.Long(a => Use(a, what));
        guest[Gpr.Rbx] = what == "last byte" ? NotCanonical - 4 : NotCanonical;
        guest[Gpr.Rcx] = 0xC000_0082;
        guest[Gpr.Rdx] = NotCanonical >> 32;
        ulong rsp = guest[Gpr.Rsp];
        if (what == "push")
        {
            // The handler gets a stack of its own.
            GuestTables.WriteGate64(
                guest.Memory, vector, GuestTables.HandlerOf(vector), type: 0xE, dpl: 0, stackTable: 1);
            guest[Gpr.Rsp] = NotCanonical + 8;
            rsp = GuestTables.InterruptStack;
        }

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(GuestTables.HandlerOf(vector) + 1, guest.Vcpu.Rip);
        Assert.Equal(rsp - 48, guest[Gpr.Rsp]);
        Assert.Equal(0ul, guest.Read64(guest[Gpr.Rsp]));
    }

    [Fact]
    public void An_NMI_waits_for_the_end_of_the_shadow_of_STI()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.sti();
            a.nop();
            a.nop();
        });
        guest.Run(budget: 1);
        Assert.True(guest.Vcpu.TryReceive(Nmi));

        guest.Run(budget: 1);
        Assert.Equal(TestGuest.CodeStart + 2, guest.Vcpu.Rip);
        Assert.IsType<VmExit.Halted>(guest.Run());

        Assert.Equal(GuestTables.HandlerOf(2) + 1, guest.Vcpu.Rip);
        Assert.Equal(TestGuest.CodeStart + 2, guest.Read64(guest[Gpr.Rsp]));
    }

    [Fact]
    public void A_return_to_user_code_takes_the_selector_of_an_inner_GS_and_leaves_its_base()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.push(GuestTables.UserData);
            a.push((int)TestGuest.StackTop - 0x1000);
            a.push(0x202);
            a.push(GuestTables.UserCode64);
            a.push((int)TestGuest.CodeStart + 0x100);
            a.iretq();
        });

        // mov rax, gs:[0]; int 77h
        guest.Memory.Write(
            new Gpa(TestGuest.CodeStart + 0x100), [0x65, 0x48, 0x8B, 0x04, 0x25, 0, 0, 0, 0, 0xCD, 0x77]);
        guest.Change(state => state with
        {
            Segments = state.Segments.SetItem(
                (int)SegmentName.Gs, state.Segments[(int)SegmentName.Gs] with { Base = TestGuest.DataStart }),
        });
        guest.Write64(TestGuest.DataStart, 0x77);

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(GuestTables.HandlerOf(0x77) + 1, guest.Vcpu.Rip);
        Assert.Equal(0x77ul, guest[Gpr.Rax]);
        SegmentState gs = guest.Vcpu.Save().Segments[(int)SegmentName.Gs];
        Assert.Equal((0, TestGuest.DataStart), (gs.Selector, gs.Base));
    }

    [Fact]
    public void INS_reads_a_port_into_a_device_in_memory_once_an_iteration()
    {
        const ulong Device = 0x1000_0000;
        using var guest = TestGuest.Protected(a =>
        {
            a.mov(edx, 0x3F8);
            a.rep.insw();
            a.hlt();
        });
        DeviceLog device = new();
        guest.Vcpu.Bus = device;
        guest[Gpr.Rdi] = Device;
        guest[Gpr.Rcx] = 2;

        for (uint value = 0x1111; value <= 0x2222; value += 0x1111)
        {
            VmExit.PortRead read = Assert.IsType<VmExit.PortRead>(guest.Run());
            Assert.Equal(2, read.SizeBytes);
            guest.Vcpu.CompletePortRead(value);
        }

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal([(Device, 2, 0x1111ul), (Device + 2, 2, 0x2222ul)], device.Writes);
        Assert.Equal((0ul, Device + 4), (guest[Gpr.Rcx], guest[Gpr.Rdi]));
    }

    [Fact]
    public void AMDs_performance_counters_take_everything_and_read_0_and_RDPMC_has_none()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(eax, -1);
            a.mov(edx, -1);
            a.wrmsr();
            a.rdmsr();
            a.xor(ecx, ecx);
            a.rdpmc();
        });
        guest[Gpr.Rcx] = 0xC001_0004;

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(GuestTables.HandlerOf(13) + 1, guest.Vcpu.Rip);
        Assert.Equal((0ul, 0ul), (guest[Gpr.Rax], guest[Gpr.Rdx]));
        Assert.Equal(5ul, guest.Vcpu.InstructionsRetired - 1);
    }

    private static InterruptMessage Nmi => new(
        Vector: 0,
        DeliveryMode.NonMaskable,
        IsLogical: false,
        Destination: 0,
        DestinationShorthand.None,
        IsLevel: false,
        IsAsserted: true,
        IsWide: false);

    private static void Ask(Assembler a, string what)
    {
        switch (what)
        {
            case "sgdt":
                a.sgdt(__[rbx]);
                break;
            case "sidt":
                a.sidt(__[rbx]);
                break;
            case "sldt":
                a.sldt(eax);
                break;
            case "str":
                a.str(eax);
                break;
            default:
                a.smsw(eax);
                break;
        }

        a.@int(0x77);
    }

    private static void Use(Assembler a, string what)
    {
        switch (what)
        {
            case "load":
                a.mov(rax, __qword_ptr[rbx]);
                break;
            case "store":
                a.mov(__qword_ptr[rbx], rax);
                break;
            case "load of the stack":
                a.mov(rbp, rbx);
                a.mov(rax, __qword_ptr[rbp]);
                break;
            case "push":
                a.push(rax);
                break;
            case "jump":
                a.jmp(rbx);
                break;
            case "last byte":
                a.mov(rax, __qword_ptr[rbx]);
                break;
            default:
                a.wrmsr();
                break;
        }
    }

    private sealed class DeviceLog : IVcpuBus
    {
        public List<(ulong Address, int SizeBytes, ulong Value)> Writes { get; } = [];

        public bool HasExternalInterrupt => false;

        public ulong ReadMmio(Gpa address, int sizeBytes, ulong vmTime) => 0;

        public void WriteMmio(Gpa address, int sizeBytes, ulong value, ulong vmTime) =>
            Writes.Add((address.Value, sizeBytes, value));

        public byte AcknowledgeExternalInterrupt() =>
            throw new InvalidOperationException("Expected no acknowledgement, found one.");

        public void Send(int sender, InterruptMessage message)
        {
        }

        public void EndOfInterrupt(byte vector)
        {
        }

        public void ClocksChanged(ulong vmTime)
        {
        }

        public void WallClockAsked(ulong register)
        {
        }
    }
}
