// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Text;
using KvmActors.Cpu.Tests.Silicon;

namespace KvmActors.Cpu.Tests.Fpu;

/// <summary>x87 state in words.</summary>
internal static class FpuText
{
    private static readonly (string Name, int Offset, int Bytes)[] s_fields =
    [
        ("FSW", FxStateImage.Status, 2), ("FCW", FxStateImage.Control, 2), ("FTW", FxStateImage.Tags, 1),
        ("ST0", Place(0), 10), ("ST1", Place(1), 10), ("ST2", Place(2), 10), ("ST3", Place(3), 10),
        ("ST4", Place(4), 10), ("ST5", Place(5), 10), ("ST6", Place(6), 10), ("ST7", Place(7), 10),
        ("FIP", FxStateImage.InstructionPointer, 8), ("FDP", FxStateImage.DataPointer, 8),
        ("FOP", FxStateImage.Opcode, 2),
    ];

    public static string Of(SiliconCase made)
    {
        StringBuilder text = new();
        foreach ((string name, int offset, int bytes) in s_fields)
        {
            text.Append($"{name}={Value(made.FxState!, offset, bytes)} ");
        }

        ulong operand = made.Gprs[3] + 8;
        int at = (int)(operand & 0xFFFF) - SiliconLayout.Data;
        if (at >= 0 && at + 12 < made.Data.Length)
        {
            text.Append($"memory {BinaryPrimitives.ReadUInt16LittleEndian(made.Data.AsSpan(at + 8)):x4}");
            text.Append($":{BinaryPrimitives.ReadUInt64LittleEndian(made.Data.AsSpan(at)):x16}");
        }

        return text.ToString();
    }

    public static string? Difference(byte[] expected, byte[] found)
    {
        StringBuilder text = new();
        foreach ((string name, int offset, int bytes) in s_fields)
        {
            if (!expected.AsSpan(offset, bytes).SequenceEqual(found.AsSpan(offset, bytes)))
            {
                text.Append($"expected {name} {Value(expected, offset, bytes)}, ");
                text.Append($"found {Value(found, offset, bytes)}; ");
            }
        }

        return text.Length == 0 ? null : text.ToString();
    }

    private static int Place(int place) => FxStateImage.Stack + (place * FxStateImage.StackStride);

    private static string Value(byte[] image, int offset, int bytes) =>
        Convert.ToHexString([.. image.AsSpan(offset, bytes).ToArray().Reverse()]);
}
