// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Execute.Protection;

/// <summary>Type field of system descriptors and gates.</summary>
/// <remarks>Source: Intel SDM vol. 3A, table 3-2 "System-Segment and Gate-Descriptor Types".</remarks>
internal static class SystemSegmentType
{
    public const uint AvailableTss16 = 1;
    public const uint LocalTable = 2;
    public const uint BusyTss16 = 3;
    public const uint CallGate16 = 4;
    public const uint TaskGate = 5;
    public const uint InterruptGate16 = 6;
    public const uint TrapGate16 = 7;
    public const uint AvailableTss32 = 9;
    public const uint BusyTss32 = 11;
    public const uint CallGate32 = 12;
    public const uint InterruptGate32 = 14;
    public const uint TrapGate32 = 15;

    /// <summary>Set in the type of a busy TSS.</summary>
    public const uint Busy = 2;

    public static bool IsTss32(uint type) => (type & ~Busy) == AvailableTss32;
}
