// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;
using KvmActors.Cpu.State;

namespace KvmActors.Host.Debug;

/// <summary>In which mode a vCPU executes, from its state.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 3.1; vol. 3C, section 25.4.1 for the attributes.</remarks>
internal static class GuestMode
{
    private const ulong ProtectionEnable = 1;
    private const ulong LongModeActive = 1ul << 10;
    private const ulong Virtual8086 = 1ul << 17;
    private const uint LongCode = 1u << 13;
    private const uint Big = 1u << 14;
    private const int DplShift = 5;

    public static CpuMode Of(VcpuState state)
    {
        uint code = SystemRegisters.Segment(state, SegmentName.Cs).Attributes;
        bool isBig = (code & Big) != 0;
        if ((state.Cr0 & ProtectionEnable) == 0)
        {
            return isBig ? CpuMode.Real32 : CpuMode.Real16;
        }

        if ((state.Efer & LongModeActive) != 0)
        {
            return (code & LongCode) != 0 ? CpuMode.Long64 : isBig ? CpuMode.Compatibility32 : CpuMode.Compatibility16;
        }

        return (state.RFlags & Virtual8086) != 0 ? CpuMode.Virtual8086
            : isBig ? CpuMode.Protected32
            : CpuMode.Protected16;
    }

    /// <summary>Of instructions: 64, 32 or 16.</summary>
    public static int CodeBits(VcpuState state) => Of(state) switch
    {
        CpuMode.Long64 => 64,
        CpuMode.Real32 or CpuMode.Protected32 or CpuMode.Compatibility32 => 32,
        CpuMode.Real16 or CpuMode.Virtual8086 or CpuMode.Protected16 or CpuMode.Compatibility16 => 16,
    };

    /// <summary>The current privilege level: that of SS.</summary>
    public static int Cpl(VcpuState state) =>
        (int)(SystemRegisters.Segment(state, SegmentName.Ss).Attributes >> DplShift) & 3;

    /// <summary>RIP behind segmentation: what a breakpoint names.</summary>
    public static Gva LinearRip(VcpuState state) => Of(state) == CpuMode.Long64
        ? new Gva(state.Rip)
        : new Gva((uint)(state.Rip + SystemRegisters.Segment(state, SegmentName.Cs).Base));

    /// <summary>"64-bit, CPL 0".</summary>
    public static string Describe(VcpuState state)
    {
        string mode = Of(state) switch
        {
            CpuMode.Real16 or CpuMode.Real32 => "real mode",
            CpuMode.Virtual8086 => "virtual-8086 mode",
            CpuMode.Long64 => "64-bit",
            CpuMode.Protected16 or CpuMode.Protected32 => $"{CodeBits(state)}-bit",
            CpuMode.Compatibility16 or CpuMode.Compatibility32 => $"{CodeBits(state)}-bit compatibility mode",
        };
        return $"{mode}, CPL {Cpl(state)}";
    }

    public static string DescribeActivity(VcpuState state) => state.Activity switch
    {
        VcpuActivity.Running => "running",
        VcpuActivity.Halted => "halted",
        VcpuActivity.Shutdown => "shut down",
        VcpuActivity.WaitForSipi => "waiting for SIPI",
    };
}
