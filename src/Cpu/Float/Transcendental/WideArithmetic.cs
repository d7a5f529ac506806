// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float.Transcendental;

/// <summary>Arithmetic that keeps 127 bits of the significand, for functions that have no exact result.</summary>
internal static class WideArithmetic
{
    private const int HalfBits = 64;

    /// <summary>How far below a sum a term no longer matters.</summary>
    public const int NegligibleBits = 130;

    public static FloatNumber One => new(false, 0, UInt128.One << FloatNumber.TopBit);

    public static FloatNumber Of(int value) => FloatNumber.Normalize(value < 0, 0, (UInt128)Math.Abs((long)value));

    /// <summary>The sum. Operands do not cancel each other out here; if they did, next to nothing is left.</summary>
    public static FloatNumber Add(in FloatNumber a, in FloatNumber b) =>
        FloatArithmetic.Add(a, b) ?? One with { Exponent = Math.Min(a.Exponent, b.Exponent) - FloatNumber.TopBit };

    public static FloatNumber Negate(in FloatNumber a) => a with { IsNegative = !a.IsNegative };

    public static FloatNumber Multiply(in FloatNumber a, in FloatNumber b)
    {
        UInt128 high = MultiplyHigh(a.Significand, b.Significand);
        return FloatNumber.Normalize(
            a.IsNegative != b.IsNegative, a.Exponent + b.Exponent + 1 - FloatNumber.TopBit, high);
    }

    public static FloatNumber Divide(in FloatNumber a, in FloatNumber b)
    {
        UInt128 rest = a.Significand;
        UInt128 quotient = 0;
        for (int bit = 0; bit <= FloatNumber.TopBit; bit++)
        {
            bool isCarry = (rest >> FloatNumber.TopBit) != 0;
            bool fits = rest >= b.Significand;
            if (bit > 0)
            {
                rest <<= 1;
                fits = isCarry || rest >= b.Significand;
            }

            quotient <<= 1;
            if (fits)
            {
                rest -= b.Significand;
                quotient |= 1;
            }
        }

        return FloatNumber.Normalize(
            a.IsNegative != b.IsNegative, a.Exponent - b.Exponent - FloatNumber.TopBit, quotient);
    }

    public static FloatNumber Divide(in FloatNumber a, uint b) => FloatNumber.Normalize(
        a.IsNegative, a.Exponent - FloatNumber.TopBit, a.Significand / b);

    /// <summary>True if a term changes nothing in a sum.</summary>
    public static bool IsNegligible(in FloatNumber term, in FloatNumber sum) =>
        term.Exponent < sum.Exponent - NegligibleBits;

    private static UInt128 MultiplyHigh(UInt128 a, UInt128 b)
    {
        UInt128 aLow = (ulong)a;
        UInt128 aHigh = a >> HalfBits;
        UInt128 bLow = (ulong)b;
        UInt128 bHigh = b >> HalfBits;
        UInt128 middle = (aHigh * bLow) + ((aLow * bLow) >> HalfBits);
        UInt128 other = (aLow * bHigh) + (ulong)middle;
        return (aHigh * bHigh) + (middle >> HalfBits) + (other >> HalfBits);
    }
}
