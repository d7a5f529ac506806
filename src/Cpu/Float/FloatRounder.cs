// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float;

/// <summary>Cuts significands to fewer bits.</summary>
internal static class FloatRounder
{
    /// <summary>What rounding gave.</summary>
    /// <param name="Value">The bits kept, as an integer; one more bit than asked for if all of them were ones.</param>
    /// <param name="IsInexact">Something was lost.</param>
    /// <param name="IsUp">The magnitude became larger.</param>
    public readonly record struct Rounded(UInt128 Value, bool IsInexact, bool IsUp);

    /// <summary>Divides a magnitude by 2^shift.</summary>
    /// <param name="magnitude">What to round.</param>
    /// <param name="shift">Bits that go, of any number; none if negative.</param>
    /// <param name="rounding">Where to.</param>
    /// <param name="isNegative">The sign, which decides where up and down are.</param>
    public static Rounded Round(UInt128 magnitude, int shift, FloatRounding rounding, bool isNegative)
    {
        if (shift <= 0)
        {
            return new Rounded(magnitude << -shift, false, false);
        }

        UInt128 kept = shift > FloatNumber.TopBit ? 0 : magnitude >> shift;
        UInt128 lost = shift > FloatNumber.TopBit ? magnitude : magnitude & ((UInt128.One << shift) - 1);
        if (lost == 0)
        {
            return new Rounded(kept, false, false);
        }

        bool isUp = rounding switch
        {
            FloatRounding.Nearest => IsAboveHalf(lost, shift, (kept & 1) != 0),
            FloatRounding.Down => isNegative,
            FloatRounding.Up => !isNegative,
            _ => false,
        };
        return new Rounded(isUp ? kept + 1 : kept, true, isUp);
    }

    /// <summary>The magnitude of a number as an integer; for exponents below 127.</summary>
    public static Rounded ToInteger(in FloatNumber number, FloatRounding rounding) =>
        Round(number.Significand, FloatNumber.TopBit - number.Exponent, rounding, number.IsNegative);

    private static bool IsAboveHalf(UInt128 lost, int shift, bool isOdd)
    {
        if (shift > FloatNumber.TopBit + 1)
        {
            return false;
        }

        UInt128 half = UInt128.One << (shift - 1);
        return lost > half || (lost == half && isOdd);
    }
}
