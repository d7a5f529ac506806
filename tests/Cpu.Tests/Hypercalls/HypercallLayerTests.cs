// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.State;
using Xunit;

namespace KvmActors.Cpu.Tests.Hypercalls;

/// <summary>Hypercalls of a running guest, under each patch policy, on hosts of both makers.</summary>
public sealed class HypercallLayerTests
{
    private const int GeneralProtection = 13;
    private const int PageFault = 14;
    private const int InvalidOpcode = 6;

    private static readonly byte[] s_vmcall = [0x0F, 0x01, 0xC1];
    private static readonly byte[] s_vmmcall = [0x0F, 0x01, 0xD9];

    public static TheoryData<HostVendor> Vendors => [HostVendor.Intel, HostVendor.Amd];

    public static TheoryData<GuestMode, HypercallPatchPolicy> ModesAndPolicies
    {
        get
        {
            TheoryData<GuestMode, HypercallPatchPolicy> all = [];
            foreach (GuestMode mode in Enum.GetValues<GuestMode>())
            {
                all.Add(mode, HypercallPatchPolicy.Auto);
                all.Add(mode, HypercallPatchPolicy.Patch);
                all.Add(mode, HypercallPatchPolicy.Emulate);
            }

            return all;
        }
    }

    private static byte[] Native(HostVendor vendor) => vendor == HostVendor.Intel ? s_vmcall : s_vmmcall;

    private static byte[] Foreign(HostVendor vendor) => vendor == HostVendor.Intel ? s_vmmcall : s_vmcall;

    private static byte[] Then(byte[] code, params byte[] more) => [.. code, .. more];

    private static void SetRax(HypercallGuest guest, ulong rax) => guest.Vcpu.WriteGpr(Gpr.Rax, rax);

    // HLT at CPL 3 and in virtual-8086 mode is #GP, so a guest always ends in a handler or at its HLT.
    private static bool IsUser(GuestMode mode) => mode is GuestMode.Long64User or GuestMode.Virtual8086;

    [Theory]
    [MemberData(nameof(ModesAndPolicies))]
    public void Either_instruction_gives_the_guest_the_same_on_either_host(GuestMode mode, HypercallPatchPolicy policy)
    {
        List<VcpuState> ends = [];
        foreach (HostVendor vendor in Enum.GetValues<HostVendor>())
        {
            foreach (byte[] instruction in (byte[][])[s_vmcall, s_vmmcall])
            {
                // inc ecx; hypercall; inc ecx; hlt
                byte[] increment = mode is GuestMode.Long64 or GuestMode.Long64User ? [0xFF, 0xC1] : [0x41];
                using HypercallGuest guest = new(mode, vendor, [.. increment, .. instruction, .. increment, 0xF4]);
                SetRax(guest, 0xABCD_0000_0000_0001);

                (VmExit exit, _) = guest.Run(policy);

                Assert.IsType<VmExit.Halted>(exit);
                Assert.Equal(IsUser(mode) ? GeneralProtection : null, guest.HaltedIn());
                ends.Add(guest.Vcpu.Save());
            }
        }

        ulong result = (mode, IsUser(mode)) switch
        {
            (GuestMode.Long64User, _) => ulong.MaxValue,
            (_, true) => uint.MaxValue,
            (GuestMode.Long64, _) => unchecked((ulong)-1000L),
            _ => 0,
        };
        Assert.All(ends, end => Assert.Equal(result, end.Gprs[0]));
        Assert.All(ends, end => Assert.Equal(2ul, end.Gprs[1]));
        Assert.All(ends, end => Assert.Equal(4ul, end.InstructionsRetired));
        Assert.All(ends, end => Assert.Equal([.. ends[0].Gprs], end.Gprs.ToArray()));
    }

    [Theory]
    [MemberData(nameof(Vendors))]
    public void The_native_instruction_is_answered_and_counts_one(HostVendor vendor)
    {
        using HypercallGuest guest = new(GuestMode.Long64, vendor, Then(Native(vendor), 0xF4));
        SetRax(guest, 99);

        (_, List<HypercallOutcome> outcomes) = guest.Run();

        HypercallOutcome.Answered answered = Assert.IsType<HypercallOutcome.Answered>(Assert.Single(outcomes));
        Assert.Equal(((HypercallNumber)99, unchecked((ulong)-1000L), false),
            (answered.Number, answered.Result, answered.InPlace));
        Assert.Equal(2ul, guest.Vcpu.InstructionsRetired);
    }

    [Theory]
    [MemberData(nameof(Vendors))]
    public void The_other_makers_instruction_is_patched_once_recorded_and_executed_again(HostVendor vendor)
    {
        // hypercall; dec ecx; jnz -7; hlt
        byte[] loop = [.. Foreign(vendor), 0xFF, 0xC9, 0x75, 0xF9, 0xF4];
        using HypercallGuest guest = new(GuestMode.Long64, vendor, loop);
        guest.Vcpu.WriteGpr(Gpr.Rcx, 3);
        SetRax(guest, 1);

        (_, List<HypercallOutcome> outcomes) = guest.Run(HypercallPatchPolicy.Patch, vmTime: 77);

        HypercallPatch patch = Assert.IsType<HypercallOutcome.Patched>(outcomes[0]).Patch;
        Assert.Equal((0, 77ul, new Gva(HypercallGuest.Code), new Gpa(HypercallGuest.Code), vendor),
            (patch.VcpuIndex, patch.VmTime, patch.Gva, patch.Gpa, patch.Vendor));
        Assert.Equal(Foreign(vendor), patch.Before);
        Assert.Equal(Native(vendor), patch.After);
        Assert.Equal(4, outcomes.Count);
        Assert.All(
            outcomes.Skip(1), outcome => Assert.False(Assert.IsType<HypercallOutcome.Answered>(outcome).InPlace));
        Assert.Equal(Native(vendor), guest.Read(HypercallGuest.Code, 3));
        Assert.Equal(10ul, guest.Vcpu.InstructionsRetired);
    }

    [Fact]
    public void A_patch_changes_no_register_and_not_RIP()
    {
        using HypercallGuest guest = new(GuestMode.Long64, HostVendor.Intel, Then(s_vmmcall, 0xF4));
        SetRax(guest, 0x1234_5678_9ABC_DEF0);
        VmExit exit = guest.Vcpu.Run(budget: 10, vmTime: 0);
        VcpuState before = guest.Vcpu.Save();

        HypercallOutcome outcome = HypercallLayer.Serve(guest.Vcpu, exit, HypercallPatchPolicy.Auto, 0);

        Assert.IsType<HypercallOutcome.Patched>(outcome);
        Assert.Equal([.. before.Gprs], guest.Vcpu.Save().Gprs.ToArray());
        Assert.Equal((before.Rip, before.RFlags, 0ul),
            (guest.Vcpu.Rip, guest.Vcpu.RFlags, guest.Vcpu.InstructionsRetired));
    }

    [Fact]
    public void The_opcode_is_patched_behind_a_REX_prefix_and_the_prefix_is_skipped_with_it()
    {
        using HypercallGuest guest = new(GuestMode.Long64, HostVendor.Intel, [0x48, 0x0F, 0x01, 0xD9, 0xF4]);
        SetRax(guest, 1);

        (VmExit exit, List<HypercallOutcome> outcomes) = guest.Run(HypercallPatchPolicy.Patch);

        Assert.IsType<VmExit.Halted>(exit);
        Assert.Null(guest.HaltedIn());
        Assert.Equal([0x48, 0x0F, 0x01, 0xC1, 0xF4], guest.Read(HypercallGuest.Code, 5));
        Assert.Equal(new Gva(HypercallGuest.Code + 1), Assert.IsType<HypercallOutcome.Patched>(outcomes[0]).Patch.Gva);
        Assert.Equal(0ul, guest.Vcpu.ReadGpr(Gpr.Rax));
    }

    [Fact]
    public void The_site_is_at_CS_base_plus_EIP()
    {
        using HypercallGuest guest = new(GuestMode.Protected32WithBase, HostVendor.Intel, Then(s_vmmcall, 0xF4));
        byte[] elsewhere = [1, 2, 3];
        guest.Memory.Write(new Gpa(HypercallGuest.Code), elsewhere);

        (_, List<HypercallOutcome> outcomes) = guest.Run(HypercallPatchPolicy.Patch);

        Assert.Equal(guest.CodeBase + HypercallGuest.Code,
            Assert.IsType<HypercallOutcome.Patched>(outcomes[0]).Patch.Gpa.Value);
        Assert.Equal(s_vmcall, guest.Read(guest.CodeBase + HypercallGuest.Code, 3));
        Assert.Equal(elsewhere, guest.Read(HypercallGuest.Code, 3));
    }

    [Theory]
    [InlineData(0x66, HypercallPatchPolicy.Auto)]
    [InlineData(0xF2, HypercallPatchPolicy.Patch)]
    [InlineData(0xF3, HypercallPatchPolicy.Emulate)]
    [InlineData(0xF0, HypercallPatchPolicy.Inject)]
    [InlineData(0xF0, HypercallPatchPolicy.Auto)]
    public void With_66_F2_F3_or_LOCK_both_instructions_are_UD_on_both_hosts(byte prefix, HypercallPatchPolicy policy)
    {
        foreach (HostVendor vendor in Enum.GetValues<HostVendor>())
        {
            foreach (byte[] instruction in (byte[][])[s_vmcall, s_vmmcall])
            {
                byte[] code = [prefix, .. instruction, 0xF4];
                using HypercallGuest guest = new(GuestMode.Long64, vendor, code);

                guest.Run(policy);

                Assert.Equal(InvalidOpcode, guest.HaltedIn());
                Assert.Equal(code, guest.Read(HypercallGuest.Code, 5));
                Assert.Equal(0ul, guest.Vcpu.ReadGpr(Gpr.Rax));
            }
        }
    }

    [Theory]
    [InlineData(GuestMode.Long64, 3u)]
    [InlineData(GuestMode.Long64User, 7u)]
    public void On_a_read_only_page_the_guest_gets_its_own_page_fault_under_patch(GuestMode mode, uint errorCode)
    {
        using HypercallGuest guest = new(mode, HostVendor.Intel, Then(s_vmmcall, 0xF4));
        guest.SetPage(HypercallGuest.Code, present: true, writable: false);

        (_, List<HypercallOutcome> outcomes) = guest.Run(HypercallPatchPolicy.Patch);

        GuestFault fault = Assert.IsType<HypercallOutcome.Injected>(Assert.Single(outcomes)).Fault;
        Assert.Equal(new GuestFault(PageFault, errorCode, HypercallGuest.Code), fault);
        Assert.Equal(PageFault, guest.HaltedIn());
        Assert.Equal(HypercallGuest.Code, guest.Vcpu.Save().Cr2);
        Assert.Equal(s_vmmcall, guest.Read(HypercallGuest.Code, 3));
    }

    [Theory]
    [InlineData(HypercallPatchPolicy.Auto)]
    [InlineData(HypercallPatchPolicy.Emulate)]
    public void On_a_read_only_page_the_call_is_answered_in_place_otherwise(HypercallPatchPolicy policy)
    {
        using HypercallGuest guest = new(GuestMode.Long64, HostVendor.Amd, Then(s_vmcall, 0xF4));
        guest.SetPage(HypercallGuest.Code, present: true, writable: false);
        SetRax(guest, 11);

        (VmExit exit, List<HypercallOutcome> outcomes) = guest.Run(policy);

        Assert.IsType<VmExit.Halted>(exit);
        Assert.Equal(
            new HypercallOutcome.Answered(HypercallNumber.SchedYield, 0, InPlace: true), Assert.Single(outcomes));
        Assert.Equal(s_vmcall, guest.Read(HypercallGuest.Code, 3));
        Assert.Equal(2ul, guest.Vcpu.InstructionsRetired);
    }

    [Fact]
    public void With_CR0_WP_clear_the_kernel_patches_its_read_only_page()
    {
        using HypercallGuest guest = new(GuestMode.Long64, HostVendor.Intel, Then(s_vmmcall, 0xF4));
        guest.SetPage(HypercallGuest.Code, present: true, writable: false);
        guest.Change(state => state with { Cr0 = state.Cr0 & ~(1ul << 16) });

        (_, List<HypercallOutcome> outcomes) = guest.Run(HypercallPatchPolicy.Patch);

        Assert.IsType<HypercallOutcome.Patched>(outcomes[0]);
        Assert.Equal(s_vmcall, guest.Read(HypercallGuest.Code, 3));
    }

    [Theory]
    [MemberData(nameof(Vendors))]
    public void Under_inject_the_guest_gets_UD_and_no_byte_changes(HostVendor vendor)
    {
        using HypercallGuest guest = new(GuestMode.Long64, vendor, Then(Foreign(vendor), 0xF4));

        guest.Run(HypercallPatchPolicy.Inject);

        Assert.Equal(InvalidOpcode, guest.HaltedIn());
        Assert.Equal(Foreign(vendor), guest.Read(HypercallGuest.Code, 3));
    }

    [Theory]
    [InlineData(HypercallPatchPolicy.Auto)]
    [InlineData(HypercallPatchPolicy.Patch)]
    [InlineData(HypercallPatchPolicy.Emulate)]
    [InlineData(HypercallPatchPolicy.Inject)]
    public void An_invalid_opcode_that_is_no_hypercall_goes_to_the_guest(HypercallPatchPolicy policy)
    {
        using HypercallGuest guest = new(GuestMode.Long64, HostVendor.Intel, 0x0F, 0x0B);

        (_, List<HypercallOutcome> outcomes) = guest.Run(policy);

        Assert.Equal(InvalidOpcode, Assert.IsType<HypercallOutcome.Injected>(Assert.Single(outcomes)).Fault.Vector);
        Assert.Equal(InvalidOpcode, guest.HaltedIn());
    }
}
