// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Apic;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.State;
using Xunit;

namespace KvmActors.Cpu.Tests.Hypercalls;

/// <summary>What a kick (delivery mode 3) does to the vCPU that gets it.</summary>
public sealed class KickTests
{
    // hlt; inc ecx; hlt; inc ecx; hlt
    private static readonly byte[] s_code = [0xF4, 0xFF, 0xC1, 0xF4, 0xFF, 0xC1, 0xF4];

    private static readonly InterruptMessage s_kick = InterruptMessage.OfCommand(0x340, destination: 0, isWide: false);

    private static HypercallGuest Guest() => new(GuestMode.Long64, HostVendor.Intel, s_code);

    private static VmExit Run(HypercallGuest guest) => guest.Vcpu.Run(budget: 10, vmTime: 0);

    [Fact]
    public void A_kick_ends_a_HLT_with_interrupts_off_and_interrupts_nothing()
    {
        using HypercallGuest guest = Guest();
        Assert.IsType<VmExit.Halted>(Run(guest));
        Assert.False(guest.Vcpu.CanRun);

        Assert.True(guest.Vcpu.TryReceive(s_kick));

        Assert.True(guest.Vcpu.CanRun);
        Assert.IsType<VmExit.Halted>(Run(guest));
        Assert.Equal(1ul, guest.Vcpu.ReadGpr(Gpr.Rcx));
        Assert.False(guest.Vcpu.CanRun);
    }

    [Fact]
    public void A_kick_that_comes_first_ends_the_next_HLT_and_two_are_one()
    {
        using HypercallGuest guest = Guest();
        guest.Vcpu.TryReceive(s_kick);
        guest.Vcpu.TryReceive(s_kick);

        Assert.IsType<VmExit.Halted>(Run(guest));

        Assert.True(guest.Vcpu.CanRun);
        Assert.IsType<VmExit.Halted>(Run(guest));
        Assert.Equal(1ul, guest.Vcpu.ReadGpr(Gpr.Rcx));
        Assert.False(guest.Vcpu.CanRun);
    }

    [Fact]
    public void A_kick_that_waits_is_saved()
    {
        using HypercallGuest guest = Guest();
        guest.Vcpu.TryReceive(s_kick);
        using Vcpu copy = new(0, guest.Memory);
        copy.Restore(guest.Vcpu.Save());

        _ = copy.Run(budget: 10, vmTime: 0);

        Assert.True(copy.Save().Events.IsKicked);
        _ = copy.Run(budget: 10, vmTime: 0);
        Assert.Equal(1ul, copy.ReadGpr(Gpr.Rcx));
        Assert.False(copy.Save().Events.IsKicked);
    }

    [Fact]
    public void A_HLT_that_an_NMI_ends_too_leaves_no_kick_behind()
    {
        using HypercallGuest guest = Guest();
        Run(guest);
        guest.Vcpu.TryReceive(s_kick);
        guest.Vcpu.TryReceive(InterruptMessage.OfCommand(0x400, destination: 0, isWide: false));

        Run(guest);

        Assert.Equal(2, guest.HaltedIn());
        Assert.False(guest.Vcpu.CanRun);
    }

    [Theory]
    [InlineData(VcpuActivity.WaitForSipi)]
    [InlineData(VcpuActivity.Shutdown)]
    public void A_vcpu_that_is_not_in_HLT_and_not_running_cannot_be_woken_so(VcpuActivity activity)
    {
        using HypercallGuest guest = Guest();
        guest.Change(state => state with { Activity = activity });

        guest.Vcpu.TryReceive(s_kick);

        Assert.False(guest.Vcpu.Save().Events.IsKicked);
        Assert.Equal(activity, guest.Vcpu.Activity);
    }
}
