// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float.Transcendental;

/// <summary>Binary logarithms and powers of two.</summary>
/// <remarks>log2(m) = 2/ln 2 * atanh((m - 1) / (m + 1)) for m between sqrt(1/2) and sqrt(2); 2^x - 1 by the exponential
/// series of x ln 2; both to 127 bits.</remarks>
internal static class Logarithm
{
    // sqrt(2), cut: the exact place of the border does not matter.
    private static readonly UInt128 s_rootOf2 = new(0xB504_F333_F9DE_6484, 0);

    // Below 1/4 in magnitude log2(1 + x) is computed from x itself.
    private const int SmallExponent = -2;

    /// <summary>log2 of a positive number; null if it is 0. Exact for powers of two.</summary>
    public static FloatNumber? Binary(in FloatNumber x)
    {
        bool isAbove = x.Significand > s_rootOf2;
        int exponent = x.Exponent + (isAbove ? 1 : 0);
        FloatNumber mantissa = x with { Exponent = isAbove ? -1 : 0 };
        FloatNumber? whole = exponent == 0 ? null : WideArithmetic.Of(exponent);
        if (FloatArithmetic.Add(mantissa, WideArithmetic.Negate(WideArithmetic.One)) is not { } difference)
        {
            return whole;
        }

        FloatNumber part = OfRatio(difference, WideArithmetic.Add(mantissa, WideArithmetic.One));
        return whole is { } found ? WideArithmetic.Add(found, part) : part;
    }

    /// <summary>log2(1 + x) for x above -1, not 0; null if it is 0.</summary>
    public static FloatNumber? BinaryOfOnePlus(in FloatNumber x) => x.Exponent < SmallExponent
        ? OfRatio(x, WideArithmetic.Add(x, WideArithmetic.Of(2)))
        : Binary(WideArithmetic.Add(x, WideArithmetic.One));

    /// <summary>2^x - 1 for x between -1 and 1, not 0.</summary>
    public static FloatNumber PowerMinusOne(in FloatNumber x)
    {
        FloatNumber natural = WideArithmetic.Multiply(x, WideConstants.LnOf2);
        FloatNumber sum = natural;
        FloatNumber term = natural;
        uint divisor = 2;
        do
        {
            term = WideArithmetic.Divide(WideArithmetic.Multiply(term, natural), divisor);
            sum = WideArithmetic.Add(sum, term);
            divisor++;
        }
        while (!WideArithmetic.IsNegligible(term, sum));

        return sum;
    }

    /// <summary>2/ln 2 * atanh(a / b).</summary>
    private static FloatNumber OfRatio(in FloatNumber a, in FloatNumber b)
    {
        FloatNumber ratio = WideArithmetic.Divide(a, b);
        FloatNumber square = WideArithmetic.Multiply(ratio, ratio);
        FloatNumber sum = ratio;
        FloatNumber power = ratio;
        FloatNumber term;
        uint divisor = 3;
        do
        {
            power = WideArithmetic.Multiply(power, square);
            term = WideArithmetic.Divide(power, divisor);
            sum = WideArithmetic.Add(sum, term);
            divisor += 2;
        }
        while (!WideArithmetic.IsNegligible(term, sum));

        return WideArithmetic.Multiply(sum, WideConstants.TwoByLnOf2);
    }
}
