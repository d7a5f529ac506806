// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: spans have their own bounds; offsets into the image are constants below its size.

/// <summary>The legacy region that FXSAVE and XSAVE share: x87 state and MXCSR in memory.</summary>
/// <remarks>With REX.W the pointers have 64 bits, else 32 and a selector, which is 0 here. Source: Intel SDM vol. 1,
/// tables 10-2 and 13-1.</remarks>
internal static unsafe class FxSaveLayout
{
    public const int MxcsrOffset = 24;
    public const int X87Bytes = 160;
    private const int MxcsrMaskOffset = 28;
    private const int StackOffset = 32;
    private const int StatusOffset = 2;
    private const int TagsOffset = 4;
    private const int OpcodeOffset = 6;
    private const int InstructionOffset = 8;
    private const int DataOffset = 16;
    private const uint MxcsrMask = 0xFFFF;
    private const ushort OpcodeMask = 0x7FF;

    /// <summary>Writes all of the x87 state, but nothing of MXCSR.</summary>
    public static void WriteX87(CpuState* state, Span<byte> image, bool isLong)
    {
        ReadOnlySpan<byte> own = new(CpuState.FxSave(state), X87Bytes);
        own[..MxcsrOffset].CopyTo(image);
        own[StackOffset..].CopyTo(image[StackOffset..]);
        if (!isLong)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(image[(InstructionOffset + 4)..], 0);
            BinaryPrimitives.WriteUInt32LittleEndian(image[(DataOffset + 4)..], 0);
        }
    }

    /// <summary>MXCSR and the mask of its bits that exist.</summary>
    public static void WriteMxcsr(CpuState* state, Span<byte> image)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(
            image[MxcsrOffset..], *(uint*)(CpuState.FxSave(state) + MxcsrOffset));
        BinaryPrimitives.WriteUInt32LittleEndian(image[MxcsrMaskOffset..], MxcsrMask);
    }

    public static void ReadX87(CpuState* state, ReadOnlySpan<byte> image, bool isLong)
    {
        byte* own = CpuState.FxSave(state);
        *(ushort*)(own + StatusOffset) = BinaryPrimitives.ReadUInt16LittleEndian(image[StatusOffset..]);
        own[TagsOffset] = image[TagsOffset];
        *(ushort*)(own + OpcodeOffset) =
            (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(image[OpcodeOffset..]) & OpcodeMask);
        ulong instruction = BinaryPrimitives.ReadUInt64LittleEndian(image[InstructionOffset..]);
        ulong data = BinaryPrimitives.ReadUInt64LittleEndian(image[DataOffset..]);
        *(ulong*)(own + InstructionOffset) = isLong ? instruction : (uint)instruction;
        *(ulong*)(own + DataOffset) = isLong ? data : (uint)data;
        for (int at = StackOffset; at < X87Bytes; at += 16)
        {
            *(ulong*)(own + at) = BinaryPrimitives.ReadUInt64LittleEndian(image[at..]);
            *(ulong*)(own + at + 8) = BinaryPrimitives.ReadUInt16LittleEndian(image[(at + 8)..]);
        }

        FpuImage.SetControl(state, BinaryPrimitives.ReadUInt16LittleEndian(image));
    }

    /// <summary>False, with nothing changed, if a bit is set that MXCSR does not have.</summary>
    public static bool TryReadMxcsr(CpuState* state, ReadOnlySpan<byte> image)
    {
        uint mxcsr = BinaryPrimitives.ReadUInt32LittleEndian(image[MxcsrOffset..]);
        if ((mxcsr & ~MxcsrMask) != 0)
        {
            return false;
        }

        *(uint*)(CpuState.FxSave(state) + MxcsrOffset) = mxcsr;
        return true;
    }
}
