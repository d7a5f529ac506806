// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operands;

// JUSTIFICATION: see IOperandSize.
// SAFETY: see IOperandSize.

/// <summary>8-bit operands.</summary>
internal readonly unsafe struct Operand8 : IOperandSize
{
    public static int Bytes => 1;

    public static int Shape => LazyFlags.Shape8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Read(byte* address) => *(sbyte*)address;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(byte* address, long value) => *(sbyte*)address = (sbyte)value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteRegister(byte* register, long value) => *(sbyte*)register = (sbyte)value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Extend(long value) => (sbyte)value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Unsigned(long value) => (byte)value;
}
