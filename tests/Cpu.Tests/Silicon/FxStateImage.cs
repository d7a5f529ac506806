// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>The FXSAVE64 image as tests fill and read it.</summary>
/// <remarks>Source: Intel SDM vol. 1, table 10-2.</remarks>
internal static class FxStateImage
{
    public const int Control = 0;
    public const int Status = 2;
    public const int Tags = 4;
    public const int Opcode = 6;
    public const int InstructionPointer = 8;
    public const int DataPointer = 16;
    public const int Mxcsr = 24;
    public const int Stack = 32;
    public const int StackStride = 16;
    public const int Xmm = 160;
    public const int XmmStride = 16;

    /// <summary>As after FNINIT, with MXCSR as after reset.</summary>
    public static byte[] Initial()
    {
        byte[] image = new byte[SiliconLayout.FxStateBytes];
        BinaryPrimitives.WriteUInt16LittleEndian(image, 0x37F);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(Mxcsr), 0x1F80);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(Mxcsr + 4), 0xFFFF);
        return image;
    }

    public static Span<byte> XmmOf(byte[] image, int register) => image.AsSpan(Xmm + (register * XmmStride), XmmStride);

    public static uint MxcsrOf(byte[] image) => BinaryPrimitives.ReadUInt32LittleEndian(image.AsSpan(Mxcsr));
}
