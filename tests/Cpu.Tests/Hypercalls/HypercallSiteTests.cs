// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;
using Xunit;

namespace KvmActors.Cpu.Tests.Hypercalls;

/// <summary>Hypercall sites at page boundaries, shared by vCPUs, and moved to a host of the other maker.</summary>
public sealed class HypercallSiteTests
{
    private const int PageFault = 14;

    private static readonly byte[] s_vmcall = [0x0F, 0x01, 0xC1];
    private static readonly byte[] s_vmmcall = [0x0F, 0x01, 0xD9];

    private static HypercallGuest GuestAt(ulong site, params byte[] code)
    {
        HypercallGuest guest = new(GuestMode.Long64, HostVendor.Intel);
        guest.Memory.Write(new Gpa(site), code);
        guest.Change(state => state with { Rip = site });
        return guest;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_site_across_two_pages_is_patched_in_both(int bytesInFirst)
    {
        ulong site = HypercallGuest.CodeNext - (ulong)bytesInFirst;
        using HypercallGuest guest = GuestAt(site, [.. s_vmmcall, 0xF4]);

        (VmExit exit, List<HypercallOutcome> outcomes) = guest.Run(HypercallPatchPolicy.Patch);

        Assert.IsType<VmExit.Halted>(exit);
        Assert.Null(guest.HaltedIn());
        Assert.Equal(2, outcomes.Count);
        Assert.Equal(s_vmcall, guest.Read(site, 3));
    }

    [Fact]
    public void If_the_second_page_is_read_only_the_fault_names_it_and_no_byte_is_written()
    {
        ulong site = HypercallGuest.CodeNext - 2;
        using HypercallGuest guest = GuestAt(site, [.. s_vmmcall, 0xF4]);
        guest.SetPage(HypercallGuest.CodeNext, present: true, writable: false);

        guest.Run(HypercallPatchPolicy.Patch);

        Assert.Equal(PageFault, guest.HaltedIn());
        Assert.Equal(HypercallGuest.CodeNext, guest.Vcpu.Save().Cr2);
        Assert.Equal(s_vmmcall, guest.Read(site, 3));
    }

    [Fact]
    public void A_site_that_ends_with_its_page_does_not_need_the_next_one()
    {
        using HypercallGuest guest = GuestAt(HypercallGuest.CodeNext - 3, s_vmmcall);
        guest.SetPage(HypercallGuest.CodeNext, present: false, writable: false);
        guest.Vcpu.WriteGpr(Gpr.Rax, 1);

        (_, List<HypercallOutcome> outcomes) = guest.Run(HypercallPatchPolicy.Patch);

        Assert.IsType<HypercallOutcome.Patched>(outcomes[0]);
        Assert.IsType<HypercallOutcome.Answered>(outcomes[1]);
        Assert.Equal(PageFault, guest.HaltedIn());
        Assert.Equal(HypercallGuest.CodeNext, guest.Vcpu.Save().Cr2);
        Assert.Equal(0ul, guest.Vcpu.ReadGpr(Gpr.Rax));
    }

    [Theory]
    [InlineData(GuestMode.Long64, 0L, -1000L)]
    [InlineData(GuestMode.Long64User, -1L, -1L)]
    public void Two_vcpus_that_trap_on_one_site_both_get_their_answer(GuestMode mode, long poll, long unknown)
    {
        using HypercallGuest guest = new(mode, HostVendor.Intel, [.. s_vmmcall, 0xF4]);
        using Vcpu second = guest.Start(1, HostVendor.Intel);
        guest.Vcpu.WriteGpr(Gpr.Rax, 99);
        second.WriteGpr(Gpr.Rax, 1);
        VmExit firstExit = guest.Vcpu.Run(budget: 10, vmTime: 0);
        VmExit secondExit = second.Run(budget: 10, vmTime: 0);

        HypercallOutcome first = HypercallLayer.Serve(guest.Vcpu, firstExit, HypercallPatchPolicy.Patch, 0);
        HypercallOutcome other = HypercallLayer.Serve(second, secondExit, HypercallPatchPolicy.Patch, 0);

        Assert.IsType<HypercallOutcome.Patched>(first);
        Assert.IsType<HypercallOutcome.Reexecuted>(other);
        VmExit again = second.Run(budget: 10, vmTime: 0);
        Assert.IsType<VmExit.Hypercall>(again);
        HypercallLayer.Serve(second, again, HypercallPatchPolicy.Patch, 0);
        Assert.Equal((ulong)poll, second.ReadGpr(Gpr.Rax));
        guest.Run();
        Assert.Equal((ulong)unknown, guest.Vcpu.ReadGpr(Gpr.Rax));
    }

    [Fact]
    public void After_a_move_to_the_other_maker_a_site_is_patched_again_when_it_is_executed_again()
    {
        // hypercall; jmp -5
        using HypercallGuest guest = new(GuestMode.Long64, HostVendor.Intel, [.. s_vmmcall, 0xEB, 0xFB]);
        List<byte> third = [];
        HostVendor[] hosts = [HostVendor.Intel, HostVendor.Amd, HostVendor.Amd, HostVendor.Intel];
        foreach (HostVendor vendor in hosts)
        {
            guest.Vcpu.HostVendor = vendor;
            VmExit exit = guest.Vcpu.Run(budget: 10, vmTime: 0);
            if (HypercallLayer.Serve(guest.Vcpu, exit, HypercallPatchPolicy.Auto, 0) is HypercallOutcome.Patched)
            {
                exit = guest.Vcpu.Run(budget: 10, vmTime: 0);
                Assert.IsType<HypercallOutcome.Answered>(
                    HypercallLayer.Serve(guest.Vcpu, exit, HypercallPatchPolicy.Auto, 0));
            }

            third.Add(guest.Read(HypercallGuest.Code, 3)[2]);
        }

        Assert.Equal([0xC1, 0xD9, 0xD9, 0xC1], third);
        Assert.Equal(7ul, guest.Vcpu.InstructionsRetired);
    }

    [Fact]
    public void A_patch_is_a_write_to_guest_memory_like_any_other()
    {
        using HypercallGuest guest = new(GuestMode.Long64, HostVendor.Intel, [.. s_vmmcall, 0xF4]);
        guest.Memory.TakeDirty(DirtyReader.Migration);

        guest.Run(HypercallPatchPolicy.Patch);

        Assert.Contains((int)(HypercallGuest.Code >> 12), guest.Memory.TakeDirty(DirtyReader.Migration));
    }

    [Fact]
    public void At_the_last_canonical_address_the_call_is_answered_before_the_fetch_behind_it_faults()
    {
        const ulong LastPage = 0x7FFF_FFFF_F000;
        using HypercallGuest guest = new(GuestMode.Long64, HostVendor.Intel);
        guest.MapAt(LastPage, HypercallGuest.Code);
        guest.Memory.Write(new Gpa(HypercallGuest.CodeNext - 3), s_vmmcall);
        guest.Change(state => state with { Rip = LastPage + 0xFFD });
        guest.Vcpu.WriteGpr(Gpr.Rax, 1);

        (_, List<HypercallOutcome> outcomes) = guest.Run(HypercallPatchPolicy.Patch);

        Assert.Equal(2, outcomes.Count);
        Assert.Equal(0ul, guest.Vcpu.ReadGpr(Gpr.Rax));
        Assert.Equal(13, guest.HaltedIn());
    }

    [Fact]
    public void Any_other_exit_is_refused()
    {
        using HypercallGuest guest = new(GuestMode.Long64, HostVendor.Intel, 0xF4);

        Assert.Throws<ArgumentException>(
            () => HypercallLayer.Serve(guest.Vcpu, new VmExit.Halted(), HypercallPatchPolicy.Auto, 0));
    }
}
