// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Decode;

[Flags]
internal enum UopFlags : byte
{
    None = 0,

    /// <summary>F3 before a string instruction.</summary>
    Repeat = 1,

    /// <summary>F2 before a string instruction.</summary>
    RepeatWhileNotEqual = 2,

    /// <summary>LGDT or LIDT with a 16-bit operand size, which loads 24 bits of the base.</summary>
    Operand16 = 4,

    /// <summary>A memory operand of 16 bytes that has to be aligned to them.</summary>
    Aligned = 8,
}
