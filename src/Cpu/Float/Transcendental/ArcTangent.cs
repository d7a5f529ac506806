// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float.Transcendental;

/// <summary>The angle of a point, from its coordinates.</summary>
/// <remarks>atan(t) = atan(k/8) + atan((t - k/8) / (1 + t k/8)), the rest by its series, to 127 bits.</remarks>
internal static class ArcTangent
{
    // A rest with a smaller exponent than this goes to the series as it is.
    private const int SeriesExponent = -4;

    /// <summary>The angle, between -pi and pi; neither coordinate is 0 or infinite.</summary>
    public static FloatNumber Of(in FloatNumber y, in FloatNumber x)
    {
        FloatNumber up = y with { IsNegative = false };
        FloatNumber right = x with { IsNegative = false };
        bool isSteep = up.Exponent > right.Exponent
            || (up.Exponent == right.Exponent && up.Significand > right.Significand);
        FloatNumber angle = isSteep
            ? WideArithmetic.Add(WideConstants.HalfPi, WideArithmetic.Negate(OfRatio(right, up)))
            : OfRatio(up, right);
        if (x.IsNegative)
        {
            angle = WideArithmetic.Add(WideConstants.Pi, WideArithmetic.Negate(angle));
        }

        return angle with { IsNegative = y.IsNegative };
    }

    /// <summary>atan(a / b) for a of at most b.</summary>
    private static FloatNumber OfRatio(in FloatNumber a, in FloatNumber b)
    {
        FloatNumber ratio = WideArithmetic.Divide(a, b);
        if (ratio.Exponent < SeriesExponent)
        {
            return Series(ratio);
        }

        // The nearest eighth.
        int eighths = (int)(uint)((ratio.Significand >> (FloatNumber.TopBit - 4 - ratio.Exponent)) + 1) >> 1;
        if (eighths == 0)
        {
            return Series(ratio);
        }

        var near = FloatNumber.Normalize(false, -3, (UInt128)(uint)eighths);
        FloatNumber above = WideArithmetic.Multiply(near, b);
        FloatNumber below = WideArithmetic.Add(b, WideArithmetic.Multiply(near, a));
        FloatNumber known = WideConstants.ArcTangentOf(eighths);
        return FloatArithmetic.Add(a, WideArithmetic.Negate(above)) is { } difference
            ? WideArithmetic.Add(known, Series(WideArithmetic.Divide(difference, below)))
            : known;
    }

    private static FloatNumber Series(in FloatNumber x)
    {
        FloatNumber minusSquare = WideArithmetic.Negate(WideArithmetic.Multiply(x, x));
        FloatNumber sum = x;
        FloatNumber power = x;
        FloatNumber term;
        uint divisor = 3;
        do
        {
            power = WideArithmetic.Multiply(power, minusSquare);
            term = WideArithmetic.Divide(power, divisor);
            sum = WideArithmetic.Add(sum, term);
            divisor += 2;
        }
        while (!WideArithmetic.IsNegligible(term, sum));

        return sum;
    }
}
