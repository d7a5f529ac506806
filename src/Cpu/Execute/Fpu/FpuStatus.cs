// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Execute.Fpu;

/// <summary>Bits of the x87 status word.</summary>
/// <remarks>Source: Intel SDM vol. 1, section 8.1.3 "x87 FPU Status Register".</remarks>
internal static class FpuStatus
{
    public const ushort Exceptions = 0x3F;
    public const ushort StackFault = 1 << 6;

    /// <summary>ES: an unmasked exception waits for the next instruction.</summary>
    public const ushort ErrorSummary = 1 << 7;
    public const ushort C0 = 1 << 8;
    public const ushort C1 = 1 << 9;
    public const ushort C2 = 1 << 10;
    public const int TopShift = 11;
    public const ushort Top = 7 << TopShift;
    public const ushort C3 = 1 << 14;

    /// <summary>B: the same as <see cref="ErrorSummary"/>.</summary>
    public const ushort Busy = 1 << 15;
    public const ushort Conditions = C0 | C1 | C2 | C3;
}
