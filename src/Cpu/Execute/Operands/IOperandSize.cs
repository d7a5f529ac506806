// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Execute.Operands;

// JUSTIFICATION: a type parameter that only holds constants lets one handler source be compiled for each operand size.
// SAFETY: implementers touch exactly Bytes bytes at the given address, but for a register, of which 4 are 8.

/// <summary>The size of an operand, as a type parameter. Values are sign-extended to 64 bits.</summary>
internal unsafe interface IOperandSize
{
    static abstract int Bytes { get; }

    /// <summary>The size in <see cref="State.LazyFlags"/>.</summary>
    static abstract int Shape { get; }

    static abstract long Read(byte* address);

    static abstract void Write(byte* address, long value);

    /// <summary>Writes a general-purpose register: 32 bits clear the upper half, fewer keep the rest.</summary>
    static abstract void WriteRegister(byte* register, long value);

    /// <summary>Cuts a value to the size and sign-extends it.</summary>
    static abstract long Extend(long value);

    /// <summary>Cuts a value to the size and zero-extends it.</summary>
    static abstract ulong Unsigned(long value);
}
