// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Execute;
using KvmActors.Cpu.Tests.Silicon;
using Xunit;

namespace KvmActors.Cpu.Tests.Fpu;

/// <summary>x87 and XSAVE operands that lie across pages, behind limits or not aligned.</summary>
/// <remarks>Source: Intel SDM vol. 3A, sections 6.3, 7.15 "#PF" and "#AC"; vol. 2 of each instruction.</remarks>
public sealed class FpuMemoryTests
{
    private const ulong FirstPage = 0x1A0;
    private const ulong Boundary = (FirstPage + 1) << 12;
    private const int AlignmentCheck = 17;
    private const int GeneralProtection = 13;

    public static TheoryData<string, byte[], ulong> Stores => new()
    {
        { "fstp m64", [0xDD, 0x1B], 4 },
        { "fstp m80", [0xDB, 0x3B], 4 },
        { "fstp m80, cut behind the significand", [0xDB, 0x3B], 8 },
        { "fbstp", [0xDF, 0x33], 9 },
        { "fnstenv", [0xD9, 0x33], 8 },
        { "fnsave", [0xDD, 0x33], 40 },
        { "fxsave", [0x0F, 0xAE, 0x03], 64 },
        { "xsave", [0x0F, 0xAE, 0x23], 64 },
        { "xsavec, cut in its header", [0x0F, 0xC7, 0x23], 512 },
    };

    [Theory]
    [MemberData(nameof(Stores))]
    public void A_store_into_a_page_that_is_missing_changes_nothing(string what, byte[] code, ulong inFirstPage)
    {
        using TestGuest guest = Guest(code, Boundary - inFirstPage);
        GuestTables.SetPage(guest.Memory, FirstPage + 1, 0);
        VcpuState before = guest.Vcpu.Save();

        VmExit exit = guest.Run();

        Assert.True(exit is VmExit.Halted, $"{what}: {exit}");
        Assert.Equal(GuestTables.HandlerOf(14) + 1, guest.Vcpu.Rip);
        VcpuState after = guest.Vcpu.Save();
        Assert.Equal(Boundary & ~0xFFFul, after.Cr2 & ~0xFFFul);
        Assert.Equal(Convert.ToHexString([.. before.FxSave]), Convert.ToHexString([.. after.FxSave]));
        for (ulong offset = 8; offset <= 520; offset += 8)
        {
            Assert.Equal(0ul, guest.Read64(Boundary - offset));
        }
    }

    [Theory]
    [InlineData(new byte[] { 0xD9, 0x03 }, 2, true)] // fld m32
    [InlineData(new byte[] { 0xDD, 0x03 }, 4, true)] // fld m64
    [InlineData(new byte[] { 0xDB, 0x2B }, 4, true)] // fld m80
    [InlineData(new byte[] { 0xDB, 0x2B }, 8, false)]
    [InlineData(new byte[] { 0xDF, 0x03 }, 1, true)] // fild m16
    public void Alignment_is_checked_at_privilege_3_if_both_bits_ask_for_it(byte[] code, ulong offset, bool isFault)
    {
        using TestGuest guest = Guest([.. code, 0xCD, 0x41], Boundary - 64 + offset, privilege: 3);
        const ulong AlignmentMask = 1 << 18;
        guest.Change(state => state with
        {
            Cr0 = state.Cr0 | AlignmentMask,
            RFlags = state.RFlags | AlignmentMask,
        });

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(GuestTables.HandlerOf(isFault ? AlignmentCheck : 0x41) + 1, guest.Vcpu.Rip);
    }

    [Theory]
    [InlineData(new byte[] { 0xDB, 0x2B }, 10)] // fld m80
    [InlineData(new byte[] { 0xDB, 0x3B }, 10)] // fstp m80
    [InlineData(new byte[] { 0xDD, 0x33 }, 108)] // fnsave
    [InlineData(new byte[] { 0x0F, 0xAE, 0x03 }, 512)] // fxsave
    public void The_last_byte_of_an_operand_counts_for_the_limit(byte[] code, uint bytes)
    {
        foreach (uint missing in (uint[])[0, 1])
        {
            using var guest = TestGuest.Protected(a =>
            {
                a.db(code);
                a.hlt();
            });
            guest[Gpr.Rbx] = (uint)TestGuest.DataStart;
            SegmentState data = GuestTables.Data(0) with
            {
                Limit = (uint)TestGuest.DataStart + bytes - 1 - missing,
                Attributes = 0x4093,
            };
            guest.Change(state => state with
            {
                Segments = state.Segments.SetItem((int)SegmentName.Ds, data),
                FxSave = [.. Filled()],
            });

            Assert.IsType<VmExit.Halted>(guest.Run());
            Assert.Equal(missing != 0, guest.Vcpu.Rip == GuestTables.HandlerOf(GeneralProtection) + 1);
        }
    }

    [Theory]
    [InlineData(new byte[] { 0xDB, 0xE5 })] // FRSTPM
    [InlineData(new byte[] { 0xDF, 0xE1 })] // FSTDW
    [InlineData(new byte[] { 0xDF, 0xE2 })] // FSTSG
    [InlineData(new byte[] { 0xD9, 0xE2 })]
    public void What_only_older_coprocessors_have_does_not_exist(byte[] code)
    {
        using TestGuest guest = Guest(code, TestGuest.DataStart);

        Assert.IsType<VmExit.InvalidOpcode>(guest.Run());
    }

    private static TestGuest Guest(byte[] code, ulong operand, int privilege = 0)
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
            Cr4 = state.Cr4 | (1 << 18) | (1 << 9),
            Xcr0 = 3,
            FxSave = [.. Filled()],
        });
        guest[Gpr.Rbx] = operand;
        guest[Gpr.Rax] = 3;
        return guest;
    }

    private static byte[] Filled()
    {
        byte[] image = FxStateImage.Initial();
        image[FxStateImage.Status + 1] = 0x20; // register 4 is on top
        image[FxStateImage.Tags] = 0x70; // places 0 to 2
        for (int place = 0; place < 3; place++)
        {
            byte[] value = [1, 2, 3, 4, 5, 6, 7, (byte)(0x80 + place), 0x10, 0x40];
            value.CopyTo(image, FxStateImage.Stack + (place * FxStateImage.StackStride));
        }

        image.AsSpan(FxStateImage.Xmm, 256).Fill(0x5A);
        return image;
    }
}
