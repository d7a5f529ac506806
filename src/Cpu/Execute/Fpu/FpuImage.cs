// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Float;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: offsets are constants below the size of the FXSAVE image; stack places are cut to three bits.

/// <summary>The x87 registers in the FXSAVE64 image, which is the only place they have.</summary>
/// <remarks>The image keeps the registers by their place on the stack, and the tags (set: in use) by their number.
/// Source: Intel SDM vol. 1, section 10.5.1, table 10-2.</remarks>
internal static unsafe class FpuImage
{
    public const ushort InitialControl = 0x37F;
    private const ushort ControlAlwaysSet = 0x40;
    private const ushort ControlWritable = 0x1F3F;
    private const int ControlOffset = 0;
    private const int StatusOffset = 2;
    private const int TagsOffset = 4;
    private const int OpcodeOffset = 6;
    private const int InstructionOffset = 8;
    private const int DataOffset = 16;
    private const int PointersEnd = 24;
    private const int StackOffset = 32;
    private const int RegisterBytes = 16;
    private const int RegisterCount = 8;
    private const byte AllInUse = 0xFF;

    public static ushort Control(CpuState* state) => *(ushort*)(CpuState.FxSave(state) + ControlOffset);

    public static ref ushort Status(CpuState* state) => ref *(ushort*)(CpuState.FxSave(state) + StatusOffset);

    /// <summary>Bit i: register i is in use.</summary>
    public static ref byte Tags(CpuState* state) => ref *(CpuState.FxSave(state) + TagsOffset);

    /// <summary>The last opcode: bits 2:0 of its first byte, and its second byte.</summary>
    public static ref ushort Opcode(CpuState* state) => ref *(ushort*)(CpuState.FxSave(state) + OpcodeOffset);

    public static ref ulong InstructionPointer(CpuState* state) =>
        ref *(ulong*)(CpuState.FxSave(state) + InstructionOffset);

    public static ref ulong DataPointer(CpuState* state) => ref *(ulong*)(CpuState.FxSave(state) + DataOffset);

    /// <summary>Number of the register on top of the stack.</summary>
    public static int Top(CpuState* state) => (Status(state) & FpuStatus.Top) >> FpuStatus.TopShift;

    public static Float80 Read(CpuState* state, int place)
    {
        byte* register = Register(state, place);
        return new Float80(*(ushort*)(register + 8), *(ulong*)register);
    }

    /// <summary>Writes a register, which is in use from now on.</summary>
    public static void Write(CpuState* state, int place, Float80 value)
    {
        Overwrite(state, place, value);
        Tags(state) |= Tag(state, place);
    }

    /// <summary>Writes a register and leaves its tag.</summary>
    public static void Overwrite(CpuState* state, int place, Float80 value)
    {
        byte* register = Register(state, place);
        *(ulong*)register = value.Significand;
        *(ulong*)(register + 8) = value.Top;
    }

    public static bool IsEmpty(CpuState* state, int place) => (Tags(state) & Tag(state, place)) == 0;

    public static void Free(CpuState* state, int place) => Tags(state) &= (byte)~Tag(state, place);

    /// <summary>Moves the top of the stack; registers keep their contents and tags.</summary>
    /// <param name="state">The vCPU.</param>
    /// <param name="by">Added to the number of the register on top.</param>
    public static void Rotate(CpuState* state, int by)
    {
        int places = by & (RegisterCount - 1);
        Span<byte> stack = new(CpuState.FxSave(state) + StackOffset, RegisterCount * RegisterBytes);
        Span<byte> moved = stackalloc byte[RegisterCount * RegisterBytes];
        int cut = places * RegisterBytes;
        stack[cut..].CopyTo(moved);
        stack[..cut].CopyTo(moved[^cut..]);
        moved.CopyTo(stack);
        SetTop(state, Top(state) + places);
    }

    /// <summary>Changes the number of the register on top, and which registers the places are with it.</summary>
    public static void SetTop(CpuState* state, int top) => Status(state) = (ushort)(
        (Status(state) & ~FpuStatus.Top) | ((top & (RegisterCount - 1)) << FpuStatus.TopShift));

    /// <summary>What every MMX instruction but EMMS does: register 0 is on top, and all registers are in use.</summary>
    /// <remarks>Then MMi is the significand of place i. Source: SDM vol. 1, section 9.5.1.</remarks>
    public static void EnterMmx(CpuState* state)
    {
        int top = Top(state);
        if (top != 0)
        {
            Rotate(state, -top);
        }

        Tags(state) = AllInUse;
    }

    /// <summary>Writes the control word; ES and B of the status word follow it.</summary>
    public static void SetControl(CpuState* state, ushort control)
    {
        *(ushort*)(CpuState.FxSave(state) + ControlOffset) = (ushort)((control & ControlWritable) | ControlAlwaysSet);
        Summarize(state);
    }

    /// <summary>Sets ES and B if an exception is raised and not masked, else clears them.</summary>
    public static void Summarize(CpuState* state)
    {
        const int Both = FpuStatus.ErrorSummary | FpuStatus.Busy;
        int status = Status(state);
        bool waits = (status & ~Control(state) & FpuStatus.Exceptions) != 0;
        Status(state) = (ushort)(waits ? status | Both : status & ~Both);
    }

    /// <summary>What FNINIT does; registers keep their contents.</summary>
    public static void Initialize(CpuState* state)
    {
        int top = Top(state);
        Rotate(state, -top);
        SetControl(state, InitialControl);
        Status(state) = 0;
        Tags(state) = 0;
        new Span<byte>(CpuState.FxSave(state) + OpcodeOffset, PointersEnd - OpcodeOffset).Clear();
    }

    private static byte* Register(CpuState* state, int place) =>
        CpuState.FxSave(state) + StackOffset + ((place & (RegisterCount - 1)) * RegisterBytes);

    private static byte Tag(CpuState* state, int place) => (byte)(1 << ((Top(state) + place) & (RegisterCount - 1)));
}
