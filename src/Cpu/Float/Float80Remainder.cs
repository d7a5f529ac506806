// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float;

/// <summary>FPREM and FPREM1: remainders, exact, in steps if the quotient is large.</summary>
/// <param name="Value">The remainder, or what is left after this step.</param>
/// <param name="Quotient">The lowest bits of the quotient.</param>
/// <param name="IsPartial">True: the instruction has to be repeated.</param>
/// <param name="HasQuotient">False for a NaN, which leaves the quotient's bits as they were.</param>
/// <remarks>How far one step goes when the exponents differ by 64 or more is left to the processor (32 to 63 bits).
/// Here it is 32 + (difference mod 32) bits. Source: Intel SDM vol. 2, "FPREM", "FPREM1".</remarks>
internal readonly record struct Float80Remainder(Float80 Value, uint Quotient, bool IsPartial, bool HasQuotient)
{
    private const int StepBits = 32;

    /// <summary>A result that is not a remainder: a NaN.</summary>
    public static Float80Remainder Without(Float80 value) => new(value, 0, false, false);

    /// <param name="a">The dividend.</param>
    /// <param name="b">The divisor.</param>
    /// <param name="isNearest">FPREM1: the quotient is the nearest integer; else it is cut.</param>
    /// <param name="context">Gets invalid, denormal and, for a tiny remainder, unmasked underflow.</param>
    public static Float80Remainder Of(Float80 a, Float80 b, bool isNearest, ref FloatContext context)
    {
        if (Float80Operands.AreSettled(a, b, ref context, out Float80 settled))
        {
            return Without(settled);
        }

        if (a.IsInfinite || b.IsZero)
        {
            return Without(Float80Operands.Invalid(ref context));
        }

        if (Float80Operands.Stops(a, b, wasDenormal: false, ref context) || a.IsZero)
        {
            return new Float80Remainder(a, 0, false, true);
        }

        if (b.IsInfinite)
        {
            return new Float80Remainder(a.Canonical(), 0, false, true);
        }

        FloatNumber dividend = a.Unpack();
        FloatNumber divisor = b.Unpack();
        int difference = dividend.Exponent - divisor.Exponent;
        return difference < Float80.SignificandBits
            ? Whole(dividend, divisor, difference, isNearest, ref context)
            : Partial(dividend, divisor, difference, ref context);
    }

    private static Float80Remainder Partial(
        in FloatNumber dividend, in FloatNumber divisor, int difference, ref FloatContext context)
    {
        int step = StepBits | (difference & (StepBits - 1));
        UInt128 rest = (Bits(dividend) << step) % Bits(divisor);
        FloatNumber unit = dividend with { Exponent = dividend.Exponent - step };
        return new Float80Remainder(Rounded(dividend.IsNegative, unit.Exponent, rest, ref context), 0, true, true);
    }

    private static Float80Remainder Whole(
        in FloatNumber dividend, in FloatNumber divisor, int difference, bool isNearest, ref FloatContext context)
    {
        if (difference < -1 || (difference < 0 && !isNearest))
        {
            var same = Float80.Round(dividend, Float80.SignificandBits, ref context);
            return new Float80Remainder(same, 0, false, true);
        }

        // Both in units of the lower exponent, which is the dividend's if it is one below.
        UInt128 bits = Bits(dividend) << Math.Max(difference, 0);
        UInt128 by = Bits(divisor) << Math.Max(-difference, 0);
        (UInt128 quotient, UInt128 rest) = UInt128.DivRem(bits, by);
        bool isNegative = dividend.IsNegative;
        bool isUp = isNearest && (rest > by - rest || (rest == by - rest && (quotient & 1) != 0));
        if (isUp)
        {
            quotient++;
            rest = by - rest;
            isNegative = !isNegative;
        }

        int exponent = Math.Min(dividend.Exponent, divisor.Exponent);
        Float80 value = rest == 0
            ? Float80.Zero(dividend.IsNegative)
            : Rounded(isNegative, exponent, rest, ref context);
        return new Float80Remainder(value, (uint)quotient & 7, false, true);
    }

    private static Float80 Rounded(bool isNegative, int exponent, UInt128 rest, ref FloatContext context) => rest == 0
        ? Float80.Zero(isNegative)
        : Float80.Round(
            FloatNumber.Normalize(isNegative, exponent - (Float80.SignificandBits - 1), rest),
            Float80.SignificandBits,
            ref context);

    private static UInt128 Bits(in FloatNumber number) => number.Significand >> Float80.SignificandBits;
}
