// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Fleet;
using Xunit;

namespace KvmActors.Cpu.Tests.Cpuid.Fleet;

/// <summary>When a guest may run on a host that lacks something, and what counts as having looked.</summary>
public sealed class CpuidCheckTests
{
    private static readonly CpuidTable s_guest = SampleTables.Xeon;
    private static readonly CpuidTable s_noAvx2 =
        s_guest.With(7, 0, entry => entry with { Ebx = entry.Ebx & ~(1u << 5) });

    private static CpuidVerdict Verdict(
        CpuidTable guest, CpuidTable host, CpuidLossPolicy policy, params CpuidObservation[] observed) =>
        CpuidCheck.Of(guest, host, observed, policy).Verdict;

    [Fact]
    public void A_host_that_has_all_is_ok_whatever_the_policy()
    {
        Assert.Equal(CpuidVerdict.Ok, Verdict(s_guest, s_guest, CpuidLossPolicy.Strict));
        Assert.Equal(CpuidVerdict.Ok, Verdict(s_noAvx2, s_guest, CpuidLossPolicy.AllowUnobserved));
    }

    [Fact]
    public void Strictly_any_missing_bit_refuses()
    {
        Assert.Equal(CpuidVerdict.Refused, Verdict(s_guest, s_noAvx2, CpuidLossPolicy.Strict));
    }

    [Fact]
    public void Where_the_record_was_full_everything_counts_as_observed()
    {
        CpuidObservation others = new(CpuidObservation.Others.Leaf, CpuidObservation.Others.Subleaf, 6, 2);

        Assert.Equal(CpuidVerdict.Refused, Verdict(s_guest, s_noAvx2, CpuidLossPolicy.AllowUnobserved, others));
    }

    [Fact]
    public void A_missing_bit_that_was_never_observed_is_a_loss_where_that_is_allowed()
    {
        CpuidObservation other = new(1, 0, 5, 1);
        CpuidObservation same = new(7, 0, 6, 2);

        Assert.Equal(
            CpuidVerdict.OkWithLoss, Verdict(s_guest, s_noAvx2, CpuidLossPolicy.AllowUnobserved, other));
        Assert.Equal(
            CpuidVerdict.Refused, Verdict(s_guest, s_noAvx2, CpuidLossPolicy.AllowUnobserved, other, same));
        CpuidCheckReason reason = Assert.Single(
            CpuidCheck.Of(s_guest, s_noAvx2, [other, same], CpuidLossPolicy.Strict).Reasons);
        Assert.Equal(same, reason.Observed);
    }

    [Fact]
    public void Another_subleaf_of_the_leaf_is_no_observation()
    {
        Assert.Equal(
            CpuidVerdict.OkWithLoss,
            Verdict(s_guest, s_noAvx2, CpuidLossPolicy.AllowUnobserved, new CpuidObservation(7, 1, 5, 1)));
    }

    [Fact]
    public void A_leaf_without_subleaves_is_observed_under_any()
    {
        CpuidTable noAes = s_guest.With(1, 0, entry => entry with { Ecx = entry.Ecx & ~(1u << 25) });
        CpuidObservation[] read = [new(1, 0, 9, 1), new(1, 77, 3, 2)];

        CpuidCheckReason reason = Assert.Single(
            CpuidCheck.Of(s_guest, noAes, read, CpuidLossPolicy.AllowUnobserved).Reasons);

        Assert.Equal((3ul, 3ul), (reason.Observed!.Value.FirstVmTime, reason.Observed.Value.Reads));
    }

    // Nobody enables a component without having asked leaf 0DH for its size, in whatever subleaf.
    [Fact]
    public void Any_subleaf_of_leaf_0DH_observes_all_of_XSAVE()
    {
        CpuidTable elsewhere = s_guest.With(0xD, 9, entry => entry with { Ebx = entry.Ebx + 64 });

        Assert.Equal(CpuidVerdict.OkWithLoss, Verdict(s_guest, elsewhere, CpuidLossPolicy.AllowUnobserved));
        Assert.Equal(
            CpuidVerdict.Refused,
            Verdict(s_guest, elsewhere, CpuidLossPolicy.AllowUnobserved, new CpuidObservation(0xD, 0, 5, 1)));
    }

    // Intel's table answers a leaf out of range with its highest basic leaf: 0x16 here.
    [Fact]
    public void A_leaf_out_of_range_observes_the_one_that_answered()
    {
        CpuidTable guest = s_guest.With(0, 0, entry => entry with { Eax = 7 });
        CpuidTable host = s_noAvx2.With(0, 0, entry => entry with { Eax = 7 });

        Assert.Equal(
            CpuidVerdict.Refused,
            Verdict(guest, host, CpuidLossPolicy.AllowUnobserved, new CpuidObservation(0x4000_0000, 0, 5, 1)));
    }

    [Fact]
    public void Vendor_family_name_and_topology_are_never_missing()
    {
        CpuidTable host = s_guest
            .With(0, 0, entry => entry with { Ebx = 1, Eax = 7 })
            .With(1, 0, entry => entry with { Eax = 1, Ebx = 1 })
            .With(0xB, 0, entry => entry with { Ebx = 1 })
            .With(4, 0, entry => entry with { Ebx = 1 });

        Assert.Equal(CpuidVerdict.Ok, Verdict(s_guest, host, CpuidLossPolicy.Strict));
    }

    [Fact]
    public void A_bare_cpu_lacks_neither_the_hypervisors_bit_nor_its_leaves()
    {
        CpuidTable guest = s_guest
            .With(1, 0, entry => entry with { Ecx = entry.Ecx | (1u << 31) })
            .And(0x4000_0000, 0x4000_0001, 0x4B4D_564B, 0x564B_4D56, 0x4D)
            .And(0x4000_0001, 2);

        Assert.Equal(CpuidVerdict.Ok, Verdict(guest, s_guest, CpuidLossPolicy.Strict));
    }
}
