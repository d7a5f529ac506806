// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operands;

// JUSTIFICATION: see IOperandSize.
// SAFETY: see IOperandSize.

/// <summary>64-bit operands.</summary>
internal readonly unsafe struct Operand64 : IOperandSize
{
    public static int Bytes => 8;

    public static int Shape => LazyFlags.Shape64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Read(byte* address) => *(long*)address;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(byte* address, long value) => *(long*)address = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteRegister(byte* register, long value) => *(long*)register = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Extend(long value) => value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Unsigned(long value) => (ulong)value;
}
