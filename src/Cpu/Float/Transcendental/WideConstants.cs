// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Float.Transcendental;

/// <summary>Constants to 128 bits, rounded to the nearest.</summary>
/// <remarks>Computed with integers of 260 bits: pi by Machin's formula, ln 2 as 2 atanh(1/3), atan by its series.
/// </remarks>
internal static class WideConstants
{
    private static readonly ImmutableArray<FloatNumber> s_arcTangents =
    [
        new(false, -4, new UInt128(0xFEAD_D4D5_617B_6E32, 0xC897_989F_3E88_8EF8)),
        new(false, -3, new UInt128(0xFADB_AFC9_6406_EB15, 0x6DC7_9EF5_F7A2_17E6)),
        new(false, -2, new UInt128(0xB7B0_CA0F_26F7_8473, 0x8AA3_2122_DCFE_4483)),
        new(false, -2, new UInt128(0xED63_382B_0DDA_7B45, 0x6FE4_45EC_BC3A_8D03)),
        new(false, -1, new UInt128(0x8F00_5D5E_F7F5_9F9B, 0x5C83_5E16_65C4_3748)),
        new(false, -1, new UInt128(0xA4BC_7D19_34F7_0924, 0x19A8_7F2A_457D_AC9F)),
        new(false, -1, new UInt128(0xB805_3E2B_C231_9E73, 0xCB2D_A552_10A4_443D)),
        new(false, -1, new UInt128(0xC90F_DAA2_2168_C234, 0xC4C6_628B_80DC_1CD1)),
    ];

    public static FloatNumber Pi => new(false, 1, new UInt128(0xC90F_DAA2_2168_C234, 0xC4C6_628B_80DC_1CD1));

    public static FloatNumber HalfPi => Pi with { Exponent = 0 };

    public static FloatNumber QuarterPi => Pi with { Exponent = -1 };

    public static FloatNumber LnOf2 => new(false, -1, new UInt128(0xB172_17F7_D1CF_79AB, 0xC9E3_B398_03F2_F6AF));

    /// <summary>2 / ln 2.</summary>
    public static FloatNumber TwoByLnOf2 => new(false, 1, new UInt128(0xB8AA_3B29_5C17_F0BB, 0xBE87_FED0_691D_3E89));

    /// <summary>atan(eighths / 8), of 1 to 8 eighths.</summary>
    public static FloatNumber ArcTangentOf(int eighths) => s_arcTangents[eighths - 1];
}
