// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.State;

/// <summary>The MSRs that are plain storage in <see cref="CpuState"/>, by ascending MSR index, with their reset values.
/// </summary>
/// <remarks>FS_BASE and GS_BASE live in the segment registers, EFER in its own field, TSC is VM time + TSC_ADJUST.
/// Source: Intel SDM vol. 4, table 2-2; reset values as KVM's (Linux v6.19
/// arch/x86/kvm/x86.c:kvm_vcpu_reset).</remarks>
internal static class MsrSlots
{
    public const int ApicBase = 0;
    public const int TscAdjust = 1;
    public const int MiscFeaturesEnables = 2;
    public const int SysenterCs = 3;
    public const int SysenterEsp = 4;
    public const int SysenterEip = 5;
    public const int MiscEnable = 6;
    public const int FirstMtrr = 7;
    public const int Pat = FirstMtrr + 27;
    public const int MtrrDefaultType = Pat + 1;
    public const int WallClock = Pat + 2;
    public const int SystemTime = Pat + 3;
    public const int Star = Pat + 4;
    public const int Lstar = Pat + 5;
    public const int Cstar = Pat + 6;
    public const int Sfmask = Pat + 7;
    public const int KernelGsBase = Pat + 8;
    public const int TscAux = Pat + 9;
    public const int Count = Pat + 10;

    /// <summary>Bits of IA32_APIC_BASE. Source: Intel SDM vol. 3A, figure 12-26.</summary>
    public const ulong ApicBaseBootstrapProcessor = 1ul << 8;
    public const ulong ApicBaseX2Enable = 1ul << 10;
    public const ulong ApicBaseEnable = 1ul << 11;

    private const ulong ApicBaseReset = 0xFEE0_0800;
    private const ulong PatReset = 0x0007_0406_0007_0406;
    private const ulong MiscEnableFastStrings = 1;

    private static readonly uint[] s_indices =
    [
        0x1B, 0x3B, 0x140, 0x174, 0x175, 0x176, 0x1A0,
        0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x207,
        0x208, 0x209, 0x20A, 0x20B, 0x20C, 0x20D, 0x20E, 0x20F,
        0x250, 0x258, 0x259, 0x268, 0x269, 0x26A, 0x26B, 0x26C, 0x26D, 0x26E, 0x26F,
        0x277, 0x2FF,
        0x4B56_4D00, 0x4B56_4D01,
        0xC000_0081, 0xC000_0082, 0xC000_0083, 0xC000_0084, 0xC000_0102, 0xC000_0103,
    ];

    /// <summary>MSR index of each slot.</summary>
    public static ReadOnlySpan<uint> Indices => s_indices;

    /// <summary>The slot of an MSR, or a negative number.</summary>
    public static int Find(uint msrIndex) => Array.BinarySearch(s_indices, msrIndex);

    public static ulong ResetValue(int slot, int vcpuIndex) => slot switch
    {
        ApicBase => ApicBaseReset | (vcpuIndex == 0 ? ApicBaseBootstrapProcessor : 0),
        MiscEnable => MiscEnableFastStrings,
        Pat => PatReset,
        _ => 0,
    };
}
