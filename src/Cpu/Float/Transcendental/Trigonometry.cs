// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float.Transcendental;

/// <summary>Sine, cosine and tangent of numbers below 2^63.</summary>
/// <remarks>The argument is reduced, exactly, by a pi of 66 bits, as Intel documents for its own: close to a
/// multiple of pi the result is that of this pi. Then the Taylor series, to 127 bits. Source: Intel SDM vol. 1,
/// section 8.3.8 "Approximation of Pi".</remarks>
internal static class Trigonometry
{
    /// <summary>Arguments from here on are out of range.</summary>
    public const int ExponentLimit = 63;

    // Below a quarter nothing is to be reduced.
    private const int ReducedExponent = -2;

    // pi / 2 in units of 2^-65.
    private const int UnitExponent = -65;
    private static readonly UInt128 s_halfPi = new(0x3, 0x243F_6A88_85A3_08D3);

    public static FloatNumber Sine(in FloatNumber x)
    {
        (FloatNumber rest, int quadrant) = Reduce(x);
        FloatNumber value = (quadrant & 1) == 0 ? SineSeries(rest) : CosineSeries(rest);
        return value with { IsNegative = value.IsNegative != (quadrant > 1) != x.IsNegative };
    }

    public static FloatNumber Cosine(in FloatNumber x)
    {
        (FloatNumber rest, int quadrant) = Reduce(x);
        FloatNumber value = (quadrant & 1) == 0 ? CosineSeries(rest) : SineSeries(rest);
        return value with { IsNegative = value.IsNegative != (quadrant is 1 or 2) };
    }

    public static FloatNumber Tangent(in FloatNumber x) => WideArithmetic.Divide(Sine(x), Cosine(x));

    /// <summary>What is left of the magnitude, between -pi/4 and pi/4, and how many quarter turns were taken, modulo 4.
    /// </summary>
    private static (FloatNumber Left, int Quadrant) Reduce(in FloatNumber x)
    {
        if (x.Exponent < ReducedExponent)
        {
            return (x with { IsNegative = false }, 0);
        }

        UInt128 units = (x.Significand >> Float80.SignificandBits) << (x.Exponent - ReducedExponent);
        (UInt128 turns, UInt128 rest) = UInt128.DivRem(units, s_halfPi);
        bool isBeyond = rest > s_halfPi - rest;
        rest = isBeyond ? s_halfPi - rest : rest;
        int quadrant = (int)(uint)(turns & 3) + (isBeyond ? 1 : 0);
        return (FloatNumber.Normalize(isBeyond, UnitExponent, rest), quadrant & 3);
    }

    private static FloatNumber SineSeries(in FloatNumber x) => Series(x, x, 2);

    private static FloatNumber CosineSeries(in FloatNumber x) => Series(WideArithmetic.One, x, 1);

    /// <summary>first - first x²/(d (d+1)) + …</summary>
    private static FloatNumber Series(in FloatNumber first, in FloatNumber x, uint divisor)
    {
        FloatNumber minusSquare = WideArithmetic.Negate(WideArithmetic.Multiply(x, x));
        FloatNumber sum = first;
        FloatNumber term = first;
        do
        {
            term = WideArithmetic.Divide(WideArithmetic.Multiply(term, minusSquare), divisor * (divisor + 1));
            sum = WideArithmetic.Add(sum, term);
            divisor += 2;
        }
        while (!WideArithmetic.IsNegligible(term, sum));

        return sum;
    }
}
