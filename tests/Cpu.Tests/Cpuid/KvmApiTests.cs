// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.KvmApi;
using Xunit;

namespace KvmActors.Cpu.Tests.Cpuid;

/// <summary>KVM's calls with KVM's errors. Statements of the kernel's own cpuid_test are named after it.</summary>
public sealed class KvmApiTests
{
    private const ulong OsXsave = 1ul << 18;
    private const ulong Pke = 1ul << 22;

    private static readonly KvmSystemCpuid s_system = new(SampleTables.Xeon);

    private static CpuidTable Supported => CpuidTable.Of(s_system.GetSupportedCpuid(256).Entries);

    [Theory]
    [InlineData(7, 1)]
    [InlineData(95, 1)]
    [InlineData(5, 0)]
    [InlineData(-1, 0)]
    public void The_capability_has_the_number_it_got_in_2007(int capability, int expected) =>
        Assert.Equal(expected, KvmSystemCpuid.CheckExtension(capability));

    [Fact]
    public void Too_little_room_for_the_supported_table_is_E2big_and_leaves_the_count_alone()
    {
        int all = Supported.Entries.Length;
        foreach (int capacity in Enumerable.Range(0, all))
        {
            KvmCpuidReply reply = s_system.GetSupportedCpuid(capacity);

            Assert.Equal((capacity, KvmErrno.E2Big), (reply.Count, reply.Error!.Errno));
            Assert.Empty(reply.Entries);
        }

        Assert.Equal(all, s_system.GetSupportedCpuid(all).Count);
        Assert.Equal(all, s_system.GetSupportedCpuid(int.MaxValue).Count);
    }

    [Fact]
    public void Movbe_and_rdpid_are_emulated_and_nothing_else()
    {
        KvmCpuidReply reply = s_system.GetEmulatedCpuid(new CpuidEntry[3]);

        Assert.Equal(3, reply.Count);
        Assert.Equal([0u, 1, 7], reply.Entries.Select(entry => entry.Leaf));
        Assert.Equal([0u, 1u << 22, 1u << 22], reply.Entries.Select(entry => entry.Ecx));
        Assert.Equal((2, KvmErrno.E2Big), Fault(s_system.GetEmulatedCpuid(new CpuidEntry[2])));
        Assert.Equal((0, KvmErrno.E2Big), Fault(s_system.GetEmulatedCpuid([])));
        CpuidEntry padded = new(0, 0, CpuidEntryFlags.None, 0, 0, 0, 0, Padding1: 1);
        Assert.Equal((3, KvmErrno.EInval), Fault(s_system.GetEmulatedCpuid([default, padded, default])));
    }

    [Fact]
    public void Cpuid_test_get_cpuid2_fills_any_larger_buffer_and_refuses_every_smaller_one()
    {
        KvmVcpuCpuid vcpu = Set(KvmVcpuCpuid.New, Supported.Entries);
        int all = Supported.Entries.Length;

        Assert.Equal(all, vcpu.GetCpuid2(all, default).Count);
        Assert.Equal(all, vcpu.GetCpuid2(all + 1, default).Count);
        foreach (int capacity in Enumerable.Range(0, all))
        {
            Assert.Equal((capacity, KvmErrno.E2Big), Fault(vcpu.GetCpuid2(capacity, default)));
        }
    }

    [Fact]
    public void Cpuid_test_what_is_got_is_what_was_set_but_for_the_bits_that_follow_the_state()
    {
        KvmVcpuCpuid vcpu = Set(KvmVcpuCpuid.New, Supported.Entries);

        ImmutableArray<CpuidEntry> got = vcpu.GetCpuid2(256, new CpuidRuntime(OsXsave | Pke, 0, 0, 1 << 11, 0)).Entries;

        foreach ((CpuidEntry set, CpuidEntry read) in Supported.Entries.Zip(got))
        {
            CpuidEntry expected = set.Leaf switch
            {
                1 => set with { Ecx = set.Ecx | (1 << 27), Edx = set.Edx | (1 << 9) },
                7 when set.Subleaf == 0 => set with { Ecx = set.Ecx | (1 << 4) },
                _ => set,
            };
            Assert.Equal(expected, read);
        }
    }

    [Fact]
    public void Cpuid_test_the_same_table_may_be_set_again_after_the_first_run()
    {
        KvmVcpuCpuid vcpu = Set(KvmVcpuCpuid.New, Supported.Entries) with { HasRun = true };

        Assert.True(vcpu.SetCpuid2(Supported.Entries, default).Succeeded);
        // Also in what GET returns of it while the guest has OSXSAVE and PKE on, and whatever its padding says.
        CpuidRuntime on = new(OsXsave | Pke, 0, 0, 0, 0);
        ImmutableArray<CpuidEntry> got = vcpu.GetCpuid2(256, on).Entries;
        Assert.True(vcpu.SetCpuid2(got, on).Succeeded);
        Assert.True(vcpu.SetCpuid2(got, default).Succeeded);
        Assert.True(vcpu.SetCpuid2([.. got.Select(entry => entry with { Padding2 = 9 })], default).Succeeded);
    }

    [Theory]
    [InlineData(0u, false, 0ul, 0u)]
    [InlineData(8u, false, 0ul, 8u)]
    [InlineData(8u, true, 0ul, 0u)]
    [InlineData(0u, true, 1ul << 18, 8u)]
    public void Monitor_mwait_test_the_bit_follows_misc_enable_only_where_the_quirk_is_off(
        uint table, bool quirkIsOff, ulong miscEnable, uint expected)
    {
        KvmVcpuCpuid vcpu = Set(KvmVcpuCpuid.New, [new CpuidEntry(1, 0, CpuidEntryFlags.None, 0, 0, table, 0)]);
        CpuidRuntime runtime = new(0, 1, 0, 0, miscEnable) { MwaitFollowsMiscEnable = quirkIsOff };

        Assert.Equal(expected, vcpu.Table.Query(1, 0, runtime).Ecx);
        Assert.Equal(expected, vcpu.GetCpuid2(1, runtime).Entries[0].Ecx);
    }

    [Theory]
    [InlineData(7u, 1, 0u, "leaf 7 EBX")]
    [InlineData(0x8000_0008u, 0, 1u, "the physical address width")]
    public void Cpuid_test_a_change_after_the_first_run_is_refused(uint leaf, int ebx, uint eax, string what)
    {
        KvmVcpuCpuid vcpu = Set(KvmVcpuCpuid.New, Supported.Entries) with { HasRun = true };
        ImmutableArray<CpuidEntry> changed =
        [
            .. Supported.Entries.Select(entry =>
                entry.Leaf == leaf ? entry with { Ebx = entry.Ebx - (uint)ebx, Eax = entry.Eax - eax } : entry),
        ];

        KvmResult<KvmVcpuCpuid> set = vcpu.SetCpuid2(changed, default);

        Assert.True(set.Error?.Errno == KvmErrno.EInval, what);
        Assert.Contains("before the guest is started", set.Error!.Sentence, StringComparison.Ordinal);
        Assert.True((vcpu with { MayChangeAfterRun = true }).SetCpuid2(changed, default).Succeeded);
    }

    [Fact]
    public void A_shorter_or_longer_table_after_the_first_run_is_refused()
    {
        KvmVcpuCpuid vcpu = Set(KvmVcpuCpuid.New, Supported.Entries) with { HasRun = true };

        Assert.Equal(KvmErrno.EInval, vcpu.SetCpuid2(Supported.Entries[..^1], default).Error!.Errno);
        Assert.Equal(KvmErrno.EInval, vcpu.SetCpuid2(Supported.Entries.Add(default), default).Error!.Errno);
    }

    [Fact]
    public void Over_256_entries_are_E2big_and_none_empty_the_table()
    {
        KvmVcpuCpuid vcpu = Set(KvmVcpuCpuid.New, Supported.Entries);

        Assert.Equal(KvmErrno.E2Big, vcpu.SetCpuid2(new CpuidEntry[257], default).Error!.Errno);
        Assert.Equal(256, Set(vcpu, new CpuidEntry[256]).Table.Entries.Length);
        Assert.Empty(Set(vcpu, []).Table.Entries);
    }

    [Fact]
    public void Every_linear_width_but_0_48_and_57_is_refused()
    {
        foreach (uint width in Enumerable.Range(0, 256).Select(width => (uint)width))
        {
            CpuidEntry sizes = new(0x8000_0008, 0, CpuidEntryFlags.None, (width << 8) | 36, 0, 0, 0);

            KvmResult<KvmVcpuCpuid> set = KvmVcpuCpuid.New.SetCpuid2([sizes], default);

            Assert.Equal(width is 0 or 48 or 57, set.Succeeded);
            Assert.True(set.Succeeded || set.Error.Errno == KvmErrno.EInval);
            // Only the first of its kind is looked at.
            CpuidEntry good = sizes with { Eax = 0x3024 };
            Assert.True(KvmVcpuCpuid.New.SetCpuid2([good, sizes], default).Succeeded);
        }
    }

    [Fact]
    public void Tile_data_needs_a_permission()
    {
        CpuidEntry xsave = new(0xD, 0, CpuidEntryFlags.SignificantIndex, (1 << 18) | 7, 0, 0, 0);

        Assert.Equal(KvmErrno.EPerm, KvmVcpuCpuid.New.SetCpuid2([xsave], default).Error!.Errno);
        KvmVcpuCpuid permitted = KvmVcpuCpuid.New with { PermittedComponents = ulong.MaxValue };
        Assert.True(permitted.SetCpuid2([xsave], default).Succeeded);
    }

    [Fact]
    public void Nonsense_is_taken_and_given_back_as_it_was()
    {
        CpuidEntry odd = new(0x1234, 5, (CpuidEntryFlags)0xDEAD_BEE7, 1, 2, 3, 4, 6, 7, 8);

        KvmVcpuCpuid vcpu = Set(KvmVcpuCpuid.New, [odd, odd]);

        Assert.Equal([odd, odd], vcpu.GetCpuid2(2, default).Entries.ToArray());
    }

    [Theory]
    [InlineData(true, 0x0010_0800u)]
    [InlineData(false, 0x0000_0800u)]
    public void The_oldest_call_takes_nx_away_where_the_host_has_it_off(bool hostHasNx, uint expected)
    {
        KvmResult<KvmVcpuCpuid> set = KvmVcpuCpuid.New.SetCpuid(
            [new KvmLegacyCpuidEntry(0x8000_0001, 0, 0, 0, 0x0010_0800), new KvmLegacyCpuidEntry(7, 0, 0, 0, 1 << 20)],
            hostHasNx,
            default);

        Assert.Equal([expected, 1u << 20], set.Value!.Table.Entries.Select(entry => entry.Edx));
        Assert.All(
            set.Value.Table.Entries,
            entry => Assert.Equal((0u, CpuidEntryFlags.None), (entry.Subleaf, entry.Flags)));
    }

    [Fact]
    public void A_fresh_vcpu_has_no_entry_and_reads_zeros()
    {
        Assert.Equal(0, KvmVcpuCpuid.New.GetCpuid2(0, default).Count);
        Assert.Null(KvmVcpuCpuid.New.GetCpuid2(0, default).Error);
        Assert.Equal(default, KvmVcpuCpuid.New.Table.Query(1, 0, default));
    }

    [Fact]
    public void Hypervisor_leaves_have_kvms_signature_and_only_what_the_engine_does()
    {
        CpuidRegisters signature = Supported.Query(0x4000_0000, 0, default);
        CpuidRegisters features = Supported.Query(0x4000_0001, 0, default);

        Assert.Equal(new CpuidRegisters(0x4000_0001, 0x4B4D_564B, 0x564B_4D56, 0x4D), signature);
        Assert.Equal(new CpuidRegisters(0x0100_288B, 0, 0, 0), features);
    }

    private static KvmVcpuCpuid Set(KvmVcpuCpuid vcpu, IReadOnlyCollection<CpuidEntry> entries)
    {
        KvmResult<KvmVcpuCpuid> set = vcpu.SetCpuid2(entries, default);
        Assert.True(set.Succeeded, set.Error?.Sentence);
        return set.Value;
    }

    private static (int Count, KvmErrno? Errno) Fault(KvmCpuidReply reply) => (reply.Count, reply.Error?.Errno);
}
