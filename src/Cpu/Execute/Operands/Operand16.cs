// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operands;

// JUSTIFICATION: see IOperandSize.
// SAFETY: see IOperandSize.

/// <summary>16-bit operands.</summary>
internal readonly unsafe struct Operand16 : IOperandSize
{
    public static int Bytes => 2;

    public static int Shape => LazyFlags.Shape16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Read(byte* address) => *(short*)address;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(byte* address, long value) => *(short*)address = (short)value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteRegister(byte* register, long value) => *(short*)register = (short)value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Extend(long value) => (short)value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Unsigned(long value) => (ushort)value;
}
