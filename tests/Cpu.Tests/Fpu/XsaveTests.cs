// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Execute;
using KvmActors.Cpu.Tests.Silicon;
using Xunit;

namespace KvmActors.Cpu.Tests.Fpu;

/// <summary>XSAVE and its family in a guest of our own: what the host's process cannot do or has otherwise.</summary>
/// <remarks>Source: Intel SDM vol. 1, chapter 13.</remarks>
public sealed class XsaveTests
{
    private const ulong OsXsave = 1 << 18;
    private const ulong OsFxsr = 1 << 9;
    private const int GeneralProtection = 13;
    private const ulong Compacted = 1ul << 63;

    // All with [rbx] as the area.
    private static readonly byte[] s_xsave = [0x0F, 0xAE, 0x23];
    private static readonly byte[] s_xsaveopt = [0x0F, 0xAE, 0x33];
    private static readonly byte[] s_xsavec = [0x0F, 0xC7, 0x23];
    private static readonly byte[] s_xsaves = [0x0F, 0xC7, 0x2B];
    private static readonly byte[] s_xrstor = [0x0F, 0xAE, 0x2B];
    private static readonly byte[] s_xrstors = [0x0F, 0xC7, 0x1B];
    private static readonly byte[] s_xsetbv = [0x0F, 0x01, 0xD1];
    private static readonly byte[] s_xgetbv = [0x0F, 0x01, 0xD0];

    [Fact]
    public void Without_OSXSAVE_none_of_them_exists()
    {
        foreach (byte[] code in (byte[][])
            [s_xsave, s_xsaveopt, s_xsavec, s_xsaves, s_xrstor, s_xrstors, s_xsetbv, s_xgetbv])
        {
            using TestGuest guest = Guest(code);
            guest.Change(state => state with { Cr4 = state.Cr4 & ~OsXsave });

            Assert.IsType<VmExit.InvalidOpcode>(guest.Run());
        }
    }

    [Theory]
    [InlineData(0, 3, true)]
    [InlineData(0, 1, true)]
    [InlineData(0, 2, false)] // x87 is always on
    [InlineData(0, 7, false)] // no AVX
    [InlineData(1, 3, false)] // no such register
    public void XSETBV_accepts_what_CPUID_offers(ulong register, ulong value, bool isAccepted)
    {
        using TestGuest guest = Guest(s_xsetbv);
        guest[Gpr.Rcx] = register;
        guest[Gpr.Rax] = value;

        AssertEnds(guest, isAccepted ? null : GeneralProtection);
        Assert.Equal(isAccepted ? value : 3, guest.Vcpu.Save().Xcr0);
    }

    [Fact]
    public void XGETBV_tells_what_is_on_and_what_is_in_use()
    {
        using TestGuest on = Guest(s_xgetbv);
        AssertEnds(on, null);
        Assert.Equal(3ul, on[Gpr.Rax]);

        using TestGuest unused = Guest(s_xgetbv);
        unused[Gpr.Rcx] = 1;
        AssertEnds(unused, null);
        Assert.Equal(0ul, unused[Gpr.Rax]);

        using TestGuest used = Guest(s_xgetbv, Filled());
        used[Gpr.Rcx] = 1;
        AssertEnds(used, null);
        Assert.Equal(3ul, used[Gpr.Rax]);

        using TestGuest unknown = Guest(s_xgetbv);
        unknown[Gpr.Rcx] = 2;
        AssertEnds(unknown, GeneralProtection);
    }

    [Fact]
    public void XSAVES_keeps_what_is_in_use_and_says_so()
    {
        using TestGuest guest = Guest(s_xsaves, Filled(x87: false));
        byte[] ones = [.. Enumerable.Repeat((byte)0xFF, 640)];
        guest.Memory.Write(new Gpa(TestGuest.DataStart), ones);

        AssertEnds(guest, null);
        byte[] area = new byte[640];
        guest.Memory.Read(new Gpa(TestGuest.DataStart), area);
        Assert.Equal(2ul, BinaryPrimitives.ReadUInt64LittleEndian(area.AsSpan(512)));
        Assert.Equal(3 | Compacted, BinaryPrimitives.ReadUInt64LittleEndian(area.AsSpan(520)));
        Assert.Equal(ones[..24], area[..24]);
        Assert.Equal(Filled()[FxStateImage.Xmm..416], area[FxStateImage.Xmm..416]);
        Assert.Equal(ones[528..], area[528..]);
    }

    [Theory]
    [InlineData(4, 0, 0, 0, false)] // a component that is off
    [InlineData(3, 1, 0, 0, false)] // the standard format has no layout
    [InlineData(3, 0, 1, 0, false)]
    [InlineData(3, 0, 0, 1, true)] // the standard format does not look there
    [InlineData(3, 3 | Compacted, 0, 0, true)]
    [InlineData(3, 1 | Compacted, 0, 0, false)] // present, but not in the layout
    [InlineData(1, 7 | Compacted, 0, 0, false)]
    [InlineData(3, 3 | Compacted, 0, 1, false)]
    public void XRSTOR_refuses_headers_that_make_no_sense(
        ulong present, ulong layout, ulong third, ulong fourth, bool isValid)
    {
        using TestGuest guest = Guest(s_xrstor);
        guest.Memory.Write(new Gpa(TestGuest.DataStart), Filled());
        ulong[] header = [present, layout, third, fourth];
        for (int field = 0; field < header.Length; field++)
        {
            guest.Write64(TestGuest.DataStart + 512 + ((ulong)field * 8), header[field]);
        }

        AssertEnds(guest, isValid ? null : GeneralProtection);
        byte[] expected = isValid ? Filled() : FxStateImage.Initial();
        Assert.Equal(expected, guest.Vcpu.Save().FxSave);
    }

    [Fact]
    public void XRSTOR_brings_absent_components_to_their_initial_state()
    {
        using TestGuest guest = Guest(s_xrstor, Filled());

        AssertEnds(guest, null);

        // The standard format loads MXCSR whatever is present: here it is 0.
        byte[] expected = FxStateImage.Initial();
        expected.AsSpan(FxStateImage.Mxcsr, 4).Clear();
        Assert.Equal(expected, guest.Vcpu.Save().FxSave);
    }

    [Fact]
    public void XRSTORS_takes_the_compacted_format_only_and_at_privilege_0_only()
    {
        using TestGuest standard = Guest(s_xrstors);
        AssertEnds(standard, GeneralProtection);

        using TestGuest compacted = Guest(s_xrstors, Filled());
        compacted.Write64(TestGuest.DataStart + 520, 3 | Compacted);
        AssertEnds(compacted, null);
        Assert.Equal(FxStateImage.Initial(), compacted.Vcpu.Save().FxSave);

        foreach (byte[] code in (byte[][])[s_xsaves, s_xrstors, s_xsetbv])
        {
            using TestGuest user = Guest(code, privilege: 3);
            AssertEnds(user, GeneralProtection);
        }
    }

    [Theory]
    [InlineData(0)] // xsave
    [InlineData(1)] // xrstor
    public void An_area_is_aligned_to_64_bytes(int which)
    {
        using TestGuest guest = Guest(which == 0 ? s_xsave : s_xrstor);
        guest[Gpr.Rbx] = TestGuest.DataStart + 16;

        AssertEnds(guest, GeneralProtection);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1 << 8, false)] // processor trace
    public void IA32_XSS_is_0_and_accepts_nothing_else(ulong value, bool isAccepted)
    {
        using TestGuest write = Guest([0x0F, 0x30]);
        write[Gpr.Rcx] = 0xDA0;
        write[Gpr.Rax] = value;
        AssertEnds(write, isAccepted ? null : GeneralProtection);

        using TestGuest read = Guest([0x0F, 0x32]);
        read[Gpr.Rcx] = 0xDA0;
        AssertEnds(read, null);
        Assert.Equal(0ul, read[Gpr.Rax]);
    }

    [Fact]
    public void CPUID_tells_OSXSAVE_and_the_size_of_both_formats()
    {
        foreach ((ulong leaf, ulong subleaf) in ((ulong, ulong)[])[(0xD, 0), (0xD, 1)])
        {
            using TestGuest guest = Guest([0x0F, 0xA2]);
            guest[Gpr.Rax] = leaf;
            guest[Gpr.Rcx] = subleaf;
            AssertEnds(guest, null);
            Assert.Equal(576ul, guest[Gpr.Rbx]);
        }

        using TestGuest features = Guest([0x0F, 0xA2]);
        features[Gpr.Rax] = 1;
        AssertEnds(features, null);
        Assert.Equal(1ul, features[Gpr.Rcx] >> 27 & 1);
    }

    private static TestGuest Guest(byte[] code, byte[]? image = null, int privilege = 0)
    {
        var guest = TestGuest.Long(
            a =>
            {
                a.db(code);
                a.hlt();
            },
            privilege);
        guest.Change(state => state with
        {
            Cr4 = state.Cr4 | OsXsave | OsFxsr,
            Xcr0 = 3,
            FxSave = [.. image ?? FxStateImage.Initial()],
        });
        guest[Gpr.Rbx] = TestGuest.DataStart;
        guest[Gpr.Rax] = 7;
        return guest;
    }

    /// <summary>Registers that all have contents, MXCSR as initially.</summary>
    private static byte[] Filled(bool x87 = true)
    {
        byte[] image = FxStateImage.Initial();
        for (int at = FxStateImage.Xmm; at < 416; at++)
        {
            image[at] = (byte)at;
        }

        for (int at = FxStateImage.Stack; x87 && at < FxStateImage.Xmm; at++)
        {
            image[at] = at % 16 < 10 ? (byte)at : (byte)0;
        }

        return image;
    }

    private static void AssertEnds(TestGuest guest, int? vector)
    {
        VmExit exit = guest.Run();
        if (vector is not { } number)
        {
            Assert.Equal(TestGuest.CodeStart, guest.Vcpu.Rip & ~0xFFul);
            return;
        }

        Assert.True(exit is VmExit.Halted, exit.ToString());
        Assert.Equal(GuestTables.HandlerOf(number) + 1, guest.Vcpu.Rip);
    }
}
