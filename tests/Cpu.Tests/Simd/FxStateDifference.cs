// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Tests.Silicon;

namespace KvmActors.Cpu.Tests.Simd;

/// <summary>Compares what the manual defines of two FXSAVE64 images.</summary>
internal static class FxStateDifference
{
    private const int RegisterBytes = 16;
    private const int StackBytes = 10;
    private const int PlaceCount = 8;

    /// <summary>What is different, in words; null if nothing is.</summary>
    /// <param name="expected">Of the host.</param>
    /// <param name="found">Of the engine.</param>
    /// <param name="xmmCount">XMM registers that are compared: 16, or 8 outside of 64-bit code.</param>
    public static string? Of(byte[] expected, byte[] found, int xmmCount)
    {
        for (int register = 0; register < xmmCount; register++)
        {
            int at = FxStateImage.Xmm + (register * FxStateImage.XmmStride);
            if (Range($"XMM{register}", expected, found, at, RegisterBytes) is { } difference)
            {
                return difference;
            }
        }

        for (int place = 0; place < PlaceCount; place++)
        {
            int at = FxStateImage.Stack + (place * FxStateImage.StackStride);
            if (Range($"ST({place})", expected, found, at, StackBytes) is { } difference)
            {
                return difference;
            }
        }

        return Range("MXCSR", expected, found, FxStateImage.Mxcsr, sizeof(uint))
            ?? Range("control word", expected, found, FxStateImage.Control, sizeof(ushort))
            ?? Range("status word", expected, found, FxStateImage.Status, sizeof(ushort))
            ?? Range("tags", expected, found, FxStateImage.Tags, sizeof(byte))
            ?? Range("opcode", expected, found, FxStateImage.Opcode, sizeof(ushort))
            ?? Range("instruction pointer", expected, found, FxStateImage.InstructionPointer, sizeof(ulong))
            ?? Range("data pointer", expected, found, FxStateImage.DataPointer, sizeof(ulong));
    }

    private static string? Range(string what, byte[] expected, byte[] found, int at, int bytes)
    {
        ReadOnlySpan<byte> first = expected.AsSpan(at, bytes);
        ReadOnlySpan<byte> second = found.AsSpan(at, bytes);
        return first.SequenceEqual(second) ? null : $"expected {what} {Text(first)}, found {Text(second)}";
    }

    private static string Text(ReadOnlySpan<byte> bytes)
    {
        byte[] reversed = bytes.ToArray();
        Array.Reverse(reversed);
        return Convert.ToHexString(reversed);
    }
}
