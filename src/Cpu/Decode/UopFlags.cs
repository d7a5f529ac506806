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

    /// <summary>REX.W, or an operand size of 64 bits by default.</summary>
    Operand64 = 4,

    /// <summary>Operand size is 16 bits, of an instruction whose size its registers do not tell.</summary>
    Operand16 = 8,

    Lock = 16,
}
