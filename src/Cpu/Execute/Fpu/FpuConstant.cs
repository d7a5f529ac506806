// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Float;

namespace KvmActors.Cpu.Execute.Fpu;

/// <summary>A constant that x87 loads: a value of 64 bits below the exact one, and where the exact one lies.</summary>
/// <param name="Below">Cut to 64 bits.</param>
/// <param name="IsExact">Nothing was cut.</param>
/// <param name="IsNearerAbove">The exact value is more than half a unit above.</param>
/// <remarks>Source: Intel SDM vol. 2, "FLD1/FLDL2T/FLDL2E/FLDPI/FLDLG2/FLDLN2/FLDZ": rounded as the control word says,
/// without an inexact exception.</remarks>
internal readonly record struct FpuConstant(Float80 Below, bool IsExact, bool IsNearerAbove)
{
    public static FpuConstant Zero => new(Float80.Zero(isNegative: false), true, false);

    public static FpuConstant One => new(Float80.One, true, false);

    public static FpuConstant Log2Of10 => new(new Float80(0x4000, 0xD49A_784B_CD1B_8AFE), false, false);

    public static FpuConstant Log2OfE => new(new Float80(0x3FFF, 0xB8AA_3B29_5C17_F0BB), false, true);

    public static FpuConstant Pi => new(new Float80(0x4000, 0xC90F_DAA2_2168_C234), false, true);

    public static FpuConstant Log10Of2 => new(new Float80(0x3FFD, 0x9A20_9A84_FBCF_F798), false, true);

    public static FpuConstant LnOf2 => new(new Float80(0x3FFE, 0xB172_17F7_D1CF_79AB), false, true);

    public Float80 Rounded(FloatRounding rounding)
    {
        bool isUp = !IsExact
            && (rounding == FloatRounding.Up || (rounding == FloatRounding.Nearest && IsNearerAbove));
        return isUp ? Below with { Significand = Below.Significand + 1 } : Below;
    }
}
