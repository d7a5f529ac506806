// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float;

/// <summary>The widths of an IEEE 754 interchange format of at most 64 bits.</summary>
internal interface IFloatFormat
{
    /// <summary>Bits of the significand that are stored.</summary>
    static abstract int FractionBits { get; }

    static abstract int ExponentBits { get; }
}
