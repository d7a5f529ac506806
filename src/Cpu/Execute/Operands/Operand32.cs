// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operands;

// JUSTIFICATION: see IOperandSize.
// SAFETY: see IOperandSize.

/// <summary>32-bit operands.</summary>
internal readonly unsafe struct Operand32 : IOperandSize
{
    public static int Bytes => 4;

    public static int Shape => LazyFlags.Shape32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Read(byte* address) => *(int*)address;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(byte* address, long value) => *(int*)address = (int)value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteRegister(byte* register, long value) => *(ulong*)register = (uint)value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Extend(long value) => (int)value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Unsigned(long value) => (uint)value;
}
