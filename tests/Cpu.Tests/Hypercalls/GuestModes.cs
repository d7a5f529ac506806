// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Tests.Hypercalls;

/// <summary>The segments and control registers of each mode.</summary>
internal static class GuestModes
{
    private const ulong Paged = 0x8001_0031; // PG, WP, NE, ET, PE
    private const ulong Unpaged = 0x31;
    private const ulong PhysicalAddressExtension = 0x20;
    private const ulong LongModeActive = 0xD01; // NXE, LMA, LME, SCE
    private const ulong Vm86Flags = 0x2_0202; // VM, IF

    public static VcpuState Apply(GuestMode mode, VcpuState state, ulong codeBase, ulong pageMapRoot, ulong tss)
    {
        VcpuState longMode = state with
        {
            Cr0 = Paged,
            Cr3 = pageMapRoot,
            Cr4 = PhysicalAddressExtension,
            Efer = LongModeActive,
        };
        VcpuState protectedMode = state with { Cr0 = Unpaged };
        SegmentState flat32 = new(0x28, codeBase, uint.MaxValue, 0xC09B);
        return mode switch
        {
            GuestMode.Real16 => WithSegments(
                state with { Cr0 = 0x10 },
                new SegmentState(0, 0, 0xFFFF, 0x9B), new SegmentState(0, 0, 0xFFFF, 0x93), tss),
            GuestMode.Virtual8086 => WithSegments(
                protectedMode with { RFlags = Vm86Flags },
                new SegmentState(0, 0, 0xFFFF, 0xF3), new SegmentState(0, 0, 0xFFFF, 0xF3), tss),
            GuestMode.Protected32 or GuestMode.Protected32WithBase => WithSegments(
                protectedMode, flat32, Data(privilege: 0), tss),
            GuestMode.Compatibility32 => WithSegments(longMode, flat32, Data(privilege: 0), tss),
            GuestMode.Long64 => WithSegments(
                longMode, new SegmentState(0x08, 0, uint.MaxValue, 0xA09B), Data(privilege: 0), tss),
            GuestMode.Long64User => WithSegments(
                longMode, new SegmentState(0x23, 0, uint.MaxValue, 0xA0FB), Data(privilege: 3), tss),
            _ => throw new ArgumentOutOfRangeException(nameof(mode)),
        };
    }

    private static SegmentState Data(int privilege) => privilege == 0
        ? new SegmentState(0x10, 0, uint.MaxValue, 0xC093)
        : new SegmentState(0x1B, 0, uint.MaxValue, 0xC0F3);

    private static VcpuState WithSegments(VcpuState state, SegmentState code, SegmentState data, ulong tss) =>
        state with
        {
            Segments =
            [
                data, code, data, data, data, data, state.Segments[6], new SegmentState(0x40, tss, 0x67, 0x8B),
            ],
        };
}
