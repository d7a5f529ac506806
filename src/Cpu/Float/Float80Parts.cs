// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float;

/// <summary>The operations on exponent and integer part: FRNDINT, FSCALE, FXTRACT.</summary>
/// <remarks>Always to 64 bits, whatever the precision control says. Source: Intel SDM vol. 2, "FRNDINT", "FSCALE",
/// "FXTRACT".</remarks>
internal static class Float80Parts
{
    // More than the exponent range, the significand and the move of an unmasked exception together.
    private const int ScaleMax = 0x1_0000;

    public static Float80 RoundToInteger(Float80 a, ref FloatContext context)
    {
        if (Float80Operands.AreSettled(a, ref context, out Float80 result))
        {
            return result;
        }

        if (Float80Operands.Stops(a, a, wasDenormal: false, ref context) || !a.IsNumber)
        {
            return a;
        }

        FloatNumber number = a.Unpack();
        if (number.Exponent >= Float80.SignificandBits - 1)
        {
            return a;
        }

        FloatRounder.Rounded integer = FloatRounder.ToInteger(number, context.Rounding);
        context.Raise(integer.IsInexact ? FloatFlags.Inexact : 0);
        if (integer.Value == 0)
        {
            return Float80.Zero(a.IsNegative);
        }

        result = Float80.Round(
            FloatNumber.Normalize(a.IsNegative, 0, integer.Value), Float80.SignificandBits, ref context);
        context.RoundedUp = integer.IsUp;
        return result;
    }

    /// <summary>a * 2^b, b cut to an integer.</summary>
    public static Float80 Scale(Float80 a, Float80 b, ref FloatContext context)
    {
        if (Float80Operands.AreSettled(a, b, ref context, out Float80 result))
        {
            return result;
        }

        bool isInvalid = b.IsInfinite && (b.IsNegative ? a.IsInfinite : a.IsZero);
        if (isInvalid)
        {
            return Float80Operands.Invalid(ref context);
        }

        if (Float80Operands.Stops(a, b, wasDenormal: false, ref context) || !a.IsNumber)
        {
            return a;
        }

        if (b.IsInfinite)
        {
            return b.IsNegative ? Float80.Zero(a.IsNegative) : Float80.Infinity(a.IsNegative);
        }

        if (b.IsZero)
        {
            return a.Canonical();
        }

        FloatNumber number = a.Unpack();
        return Float80.Round(
            number with { Exponent = number.Exponent + ScaleOf(b) }, Float80.SignificandBits, ref context);
    }

    /// <summary>The exponent as a number, and the significand with exponent 0.</summary>
    public static (Float80 Exponent, Float80 Significand) Extract(Float80 a, ref FloatContext context)
    {
        if (Float80Operands.AreSettled(a, ref context, out Float80 nan))
        {
            return (nan, nan);
        }

        if (a.IsInfinite)
        {
            return (Float80.Infinity(isNegative: false), a);
        }

        if (a.IsZero)
        {
            context.Raise(FloatFlags.ZeroDivide);
            return (Float80.Infinity(isNegative: true), a);
        }

        if (Float80Operands.Stops(a, a, wasDenormal: false, ref context))
        {
            return (a, a);
        }

        FloatNumber number = a.Unpack();
        var significand = Float80.Round(number with { Exponent = 0 }, Float80.SignificandBits, ref context);
        return (Float80Conversion.FromInteger(number.Exponent), significand);
    }

    private static int ScaleOf(Float80 b)
    {
        if (b.IsZero)
        {
            return 0;
        }

        FloatNumber number = b.Unpack();
        int magnitude = number.Exponent < 0 ? 0
            : number.Exponent >= 16 ? ScaleMax
            : (int)(uint)(number.Significand >> (FloatNumber.TopBit - number.Exponent));
        return b.IsNegative ? -magnitude : magnitude;
    }
}
