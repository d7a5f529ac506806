// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see CpuState.
// SAFETY: register numbers are cut to 0 to 7, so that every access is inside of the FXSAVE image.

/// <summary>The MMX registers: the significands of the x87 registers, by their physical number.</summary>
/// <remarks>The FXSAVE image holds x87 registers by their place in the stack, so that what is at a place changes when
/// TOP does. Source: Intel SDM vol. 3A, section 13.2 "The MMX State and MMX Register Aliasing", table 13-1.</remarks>
internal static unsafe class MmxRegisters
{
    /// <summary>FSW.ES: an x87 exception is pending.</summary>
    public const ushort ExceptionPending = 1 << 7;

    private const int StatusOffset = 2;
    private const int TagOffset = 4;
    private const int StackOffset = 32;
    private const int RegisterBytes = 16;
    private const int RegisterCount = 8;
    private const int ExponentOffset = 8;
    private const ushort ExponentWritten = 0xFFFF;
    private const byte AllValid = 0xFF;
    private const int TopShift = 11;
    private const int NumberMask = RegisterCount - 1;
    private const ushort TopMask = NumberMask << TopShift;

    public static ushort StatusWord(CpuState* state) => *(ushort*)(CpuState.FxSave(state) + StatusOffset);

    /// <summary>The value of a register, by its offset in a micro-operation.</summary>
    public static ulong Read(CpuState* state, byte offset)
    {
        int place = ((offset / RegisterBytes) - Top(state)) & NumberMask;
        return *(ulong*)(CpuState.FxSave(state) + StackOffset + (place * RegisterBytes));
    }

    /// <summary>Writes a register, after <see cref="Enter"/>.</summary>
    public static void Write(CpuState* state, byte offset, ulong value)
    {
        byte* register = CpuState.FxSave(state) + StackOffset + (offset & (NumberMask * RegisterBytes));
        *(ulong*)register = value;
        *(ushort*)(register + ExponentOffset) = ExponentWritten;
    }

    /// <summary>What every MMX instruction does to x87: TOP becomes 0 and all registers valid. To be called when
    /// nothing
    /// can fault any more.</summary>
    public static void Enter(CpuState* state)
    {
        *(CpuState.FxSave(state) + TagOffset) = AllValid;
        ClearTop(state);
    }

    /// <summary>EMMS: TOP becomes 0 and all registers empty.</summary>
    public static void Leave(CpuState* state)
    {
        *(CpuState.FxSave(state) + TagOffset) = 0;
        ClearTop(state);
    }

    private static int Top(CpuState* state) => (StatusWord(state) >> TopShift) & NumberMask;

    private static void ClearTop(CpuState* state)
    {
        int top = Top(state);
        if (top == 0)
        {
            return;
        }

        byte* image = CpuState.FxSave(state);
        Span<byte> stack = new(image + StackOffset, RegisterCount * RegisterBytes);
        Span<byte> old = stackalloc byte[RegisterCount * RegisterBytes];
        stack.CopyTo(old);
        int split = top * RegisterBytes;
        old[..^split].CopyTo(stack[split..]);
        old[^split..].CopyTo(stack);
        *(ushort*)(image + StatusOffset) &= unchecked((ushort)~TopMask);
    }
}
