// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using Iced.Intel;
using KvmActors.Cpu;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine.Time;
using Xunit;

namespace KvmActors.Machine.Tests;

/// <summary>KVM's clock on a whole machine: what the guest computes of it is VM time, on every vCPU.</summary>
public sealed class ParavirtualClockTests
{
    private const uint WallClockMsr = 0x4B56_4D00;
    private const uint SystemTimeMsr = 0x4B56_4D01;
    private const uint TscMsr = 0x10;

    private const uint WallClock = 0x8100;
    private const uint FirstTime = 0x8200;
    private const uint SecondTime = 0x8240;
    private const int FlagsOffset = 29;
    private const int TimeBytes = 32;

    // Shared words.
    private const int SecondIsOn = 0;
    private const int TscIsMoved = 1;
    private const int Answer = 2;
    private const int Move = 3;

    /// <summary>Both vCPUs switch their clock on, then the first one moves its TSC.</summary>
    private static VirtualMachine Start() => new ParavirtualGuest(
        vcpus: 2,
        turnTicks: 500,
        code =>
        {
            ParavirtualGuest.WriteMsr(code, WallClockMsr, WallClock);
            ParavirtualGuest.WriteMsr(code, SystemTimeMsr, FirstTime | 1);
            ParavirtualGuest.Await(code, SecondIsOn, 1);
            ParavirtualGuest.Await(code, Move, 1);
            ParavirtualGuest.WriteMsr(code, TscMsr, 3_000_000_000);
            code.inc(ParavirtualGuest.Word(TscIsMoved));
            code.cli();
            Label wait = code.CreateLabel();
            code.Label(ref wait);
            code.jmp(wait);
        },
        code =>
        {
            ParavirtualGuest.WriteMsr(code, SystemTimeMsr, SecondTime | 1);
            code.inc(ParavirtualGuest.Word(SecondIsOn));
            Label wait = code.CreateLabel();
            code.Label(ref wait);
            code.jmp(wait);
        }).Start();

    private static void RunUntil(VirtualMachine machine, int word, uint value)
    {
        while (ParavirtualGuest.ReadWord(machine, word) != value && machine.VmTime < ParavirtualGuest.Enough)
        {
            _ = machine.RunSlice(new SliceLimits(machine.VmTime + 100, () => false));
        }
    }

    private static byte[] Read(VirtualMachine machine, uint address)
    {
        byte[] time = new byte[TimeBytes];
        machine.Memory.Read(new Gpa(address), time);
        return time;
    }

    /// <summary>What a guest would compute on a vCPU now, as Linux does.</summary>
    private static ulong Now(VirtualMachine machine, int vcpu, byte[] time)
    {
        ulong tsc = machine.VmTime + machine.Save().Vcpus[vcpu].Msrs.Single(msr => msr.Index == 0x3B).Value;
        ulong ticks = tsc - BinaryPrimitives.ReadUInt64LittleEndian(time.AsSpan(8));
        ulong scaled = (ulong)(((UInt128)(ticks << time[28])
            * BinaryPrimitives.ReadUInt32LittleEndian(time.AsSpan(24))) >> 32);
        return BinaryPrimitives.ReadUInt64LittleEndian(time.AsSpan(16)) + scaled;
    }

    [Fact]
    public void What_a_guest_computes_is_VM_time_on_every_vcpu_also_after_its_TSC_was_moved()
    {
        using VirtualMachine machine = Start();
        RunUntil(machine, SecondIsOn, 1);
        byte[] first = Read(machine, FirstTime);
        byte[] second = Read(machine, SecondTime);
        Assert.Equal((machine.VmTime, machine.VmTime), (Now(machine, 0, first), Now(machine, 1, second)));
        Assert.Equal((1, 1), (first[FlagsOffset], second[FlagsOffset]));

        machine.Memory.Write(new Gpa(ParavirtualGuest.Words + (4 * Move)), [1]);
        RunUntil(machine, TscIsMoved, 1);

        byte[] moved = Read(machine, FirstTime);
        byte[] other = Read(machine, SecondTime);
        Assert.Equal((machine.VmTime, machine.VmTime), (Now(machine, 0, moved), Now(machine, 1, other)));
        Assert.Equal((0, 0), (moved[FlagsOffset], other[FlagsOffset]));
        Assert.NotEqual(BitConverter.ToUInt32(first), BitConverter.ToUInt32(moved));
    }

    [Fact]
    public void The_wall_clock_is_the_time_at_which_the_VM_began_and_its_MSR_is_the_VMs()
    {
        using VirtualMachine machine = Start();

        RunUntil(machine, SecondIsOn, 1);

        byte[] wall = Read(machine, WallClock)[..12];
        Assert.Equal(2u, BitConverter.ToUInt32(wall));
        Assert.Equal((uint)ParavirtualGuest.WallClockStart, BitConverter.ToUInt32(wall, 4));
        Assert.Equal(0u, BitConverter.ToUInt32(wall, 8));
        Assert.All(
            machine.Save().Vcpus,
            vcpu => Assert.Equal(WallClock, vcpu.Msrs.Single(msr => msr.Index == WallClockMsr).Value));
    }

    [Fact]
    public void A_restore_and_another_host_vendor_change_no_byte_of_a_clock_and_it_stays_right()
    {
        using VirtualMachine machine = Start();
        RunUntil(machine, SecondIsOn, 1);
        using VirtualMachine copy = ParavirtualGuest.Copy(machine);
        copy.HostVendor = HostVendor.Amd;

        _ = copy.RunSlice(new SliceLimits(copy.VmTime + 12_345, () => false));

        Assert.Equal(Read(machine, FirstTime), Read(copy, FirstTime));
        Assert.Equal(copy.VmTime, Now(copy, 0, Read(copy, FirstTime)));
        Assert.Equal(copy.VmTime, Now(copy, 1, Read(copy, SecondTime)));
    }

    [Fact]
    public void A_clock_that_the_guest_has_switched_off_is_not_written_any_more()
    {
        VirtualMachine machine = new ParavirtualGuest(
            vcpus: 1,
            turnTicks: 500,
            code =>
            {
                ParavirtualGuest.WriteMsr(code, SystemTimeMsr, FirstTime | 1);
                ParavirtualGuest.WriteMsr(code, SystemTimeMsr, 0);
                ParavirtualGuest.WriteMsr(code, TscMsr, 3_000_000_000);
                ParavirtualGuest.End(code, Answer);
            },
            code => code.hlt()).Run();

        Assert.Equal(2u, BitConverter.ToUInt32(Read(machine, FirstTime)));
        machine.Dispose();
    }
}
