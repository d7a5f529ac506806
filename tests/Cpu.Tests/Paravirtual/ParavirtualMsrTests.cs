// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Apic;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Execute.Operations;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.Paravirtual;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Hypercalls;
using Xunit;

namespace KvmActors.Cpu.Tests.Paravirtual;

/// <summary>The MSRs of KVM's clock, as the guest's RDMSR and WRMSR find them.</summary>
public sealed class ParavirtualMsrTests
{
    private const int GeneralProtection = 13;
    private const uint FeatureLeaf = 0x4000_0001;

    // nop; wrmsr; hlt - nop; rdmsr; hlt
    private static readonly byte[] s_write = [0x90, 0x0F, 0x30, 0xF4];
    private static readonly byte[] s_read = [0x90, 0x0F, 0x32, 0xF4];

    public static TheoryData<uint> AllOfKvms =>
    [
        0x11, 0x12, 0x4B56_4D00, 0x4B56_4D01, 0x4B56_4D02, 0x4B56_4D03, 0x4B56_4D04, 0x4B56_4D05, 0x4B56_4D06,
        0x4B56_4D07,
    ];

    private static HypercallGuest Guest(byte[] code, uint msr, ulong value = 0)
    {
        HypercallGuest guest = new(GuestMode.Long64, HostVendor.Intel, code);
        guest.Vcpu.Bus = new RecordingBus();
        guest.Vcpu.WriteGpr(Gpr.Rcx, msr);
        guest.Vcpu.WriteGpr(Gpr.Rax, (uint)value);
        guest.Vcpu.WriteGpr(Gpr.Rdx, value >> 32);
        return guest;
    }

    private static List<string> SaidBy(HypercallGuest guest) => ((RecordingBus)guest.Vcpu.Bus).Said;

    private static void Offer(HypercallGuest guest, uint features) => guest.Vcpu.Cpuid = CpuidTable.Of(
        guest.Vcpu.Cpuid.Entries.Select(entry => entry.Leaf == FeatureLeaf ? entry with { Eax = features } : entry));

    private static ulong Msr(HypercallGuest guest, uint index) =>
        guest.Vcpu.Save().Msrs.Single(msr => msr.Index == index).Value;

    [Theory]
    [MemberData(nameof(AllOfKvms))]
    public void Without_its_feature_in_CPUID_an_MSR_is_GP(uint msr)
    {
        foreach (byte[] code in (byte[][])[s_read, s_write])
        {
            using HypercallGuest guest = Guest(code, msr, value: 0x1001);
            Offer(guest, 0);

            guest.Run();

            Assert.Equal(GeneralProtection, guest.HaltedIn());
            Assert.Empty(SaidBy(guest));
        }
    }

    [Theory]
    [MemberData(nameof(AllOfKvms))]
    public void With_all_that_is_offered_the_four_of_the_clock_are_there_and_no_others(uint msr)
    {
        bool isThere = msr <= ParavirtualMsrs.SystemTime;
        foreach (byte[] code in (byte[][])[s_read, s_write])
        {
            using HypercallGuest guest = Guest(code, msr);

            guest.Run();

            Assert.Equal(isThere ? null : GeneralProtection, guest.HaltedIn());
        }
    }

    [Theory]
    [InlineData(0x11u, (uint)ParavirtualFeature.ClockSource)]
    [InlineData(0x12u, (uint)ParavirtualFeature.ClockSource)]
    [InlineData(0x4B56_4D00u, (uint)ParavirtualFeature.ClockSource2)]
    [InlineData(0x4B56_4D01u, (uint)ParavirtualFeature.ClockSource2)]
    public void Old_and_new_numbers_have_a_feature_each(uint msr, uint feature)
    {
        using HypercallGuest with = Guest(s_read, msr);
        Offer(with, feature);
        using HypercallGuest without = Guest(s_read, msr);
        Offer(without, ~feature);

        with.Run();
        without.Run();

        Assert.Null(with.HaltedIn());
        Assert.Equal(GeneralProtection, without.HaltedIn());
    }

    [Theory]
    [InlineData(0x11u, 0x4B56_4D00u, "wall clock to 0x123456789a")]
    [InlineData(0x4B56_4D00u, 0x11u, "wall clock to 0x123456789a")]
    [InlineData(0x12u, 0x4B56_4D01u, "clocks at 41")]
    [InlineData(0x4B56_4D01u, 0x12u, "clocks at 41")]
    public void Old_and_new_numbers_are_one_register_and_a_write_is_told_at_its_VM_time(
        uint written, uint read, string said)
    {
        const ulong Value = 0x12_3456_789A;
        using HypercallGuest guest = Guest(s_write, written, Value);

        _ = guest.Vcpu.Run(budget: 10, vmTime: 40);

        Assert.Equal([said], SaidBy(guest));
        guest.Memory.Write(new Gpa(HypercallGuest.Code), s_read);
        guest.Change(state => state with { Rip = HypercallGuest.Code, Activity = VcpuActivity.Running });
        guest.Vcpu.WriteGpr(Gpr.Rcx, read);
        guest.Run();
        Assert.Equal(0x3456_789Aul, guest.Vcpu.ReadGpr(Gpr.Rax));
        Assert.Equal(Value >> 32, guest.Vcpu.ReadGpr(Gpr.Rdx));
    }

    [Theory]
    [InlineData(0x10u)]
    [InlineData(0x3Bu)]
    public void Moving_the_TSC_is_told_too(uint msr)
    {
        using HypercallGuest guest = Guest(s_write, msr, 5_000_000);

        _ = guest.Vcpu.Run(budget: 10, vmTime: 40);

        Assert.Equal(["clocks at 41"], SaidBy(guest));
        Assert.Equal(msr == 0x10 ? 5_000_000ul - 41 : 5_000_000, guest.Vcpu.TscAdjust);
    }

    [Fact]
    public void INIT_switches_the_clock_of_the_vcpu_off_and_keeps_the_wall_clock()
    {
        using HypercallGuest guest = Guest(s_write, ParavirtualMsrs.SystemTime, 0x9001);
        guest.Run();
        guest.Vcpu.SetWallClockRegister(0x9100);

        guest.Vcpu.TryReceive(InterruptMessage.OfCommand(0x4500, destination: 0, isWide: false));
        _ = guest.Vcpu.Run(budget: 1, vmTime: 0);

        Assert.Equal(0ul, Msr(guest, ParavirtualMsrs.SystemTime));
        Assert.Equal(0x9100ul, Msr(guest, ParavirtualMsrs.WallClock));
    }

    [Fact]
    public void A_vcpu_writes_its_clock_where_the_guest_wants_it()
    {
        using HypercallGuest guest = Guest(s_write, ParavirtualMsrs.SystemTime, 0xC001);
        guest.Run();
        guest.Change(state => state with
        {
            Msrs = [.. state.Msrs.Select(msr => msr.Index == 0x3B ? msr with { Value = 1000 } : msr)],
        });

        guest.Vcpu.WriteClock(vmTime: 234, isStable: false);

        byte[] time = guest.Read(0xC000, 32);
        Assert.Equal((1234ul, 234ul, 0), (BitConverter.ToUInt64(time, 8), BitConverter.ToUInt64(time, 16), time[29]));
    }
}
