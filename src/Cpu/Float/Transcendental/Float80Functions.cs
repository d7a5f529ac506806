// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float.Transcendental;

/// <summary>The transcendental functions of x87 on all operands.</summary>
/// <remarks>Our own definition, the same on every host: the exact value to some 120 bits, rounded as the control word
/// says to 64. A result that is not exact always raises inexact. Source of the special cases: Intel SDM vol. 2, tables
/// of "FSIN", "FCOS", "FPTAN", "FPATAN", "F2XM1", "FYL2X", "FYL2XP1".</remarks>
internal static class Float80Functions
{
    /// <summary>True if FSIN, FCOS, FSINCOS and FPTAN leave the operand as it is, and set C2.</summary>
    public static bool IsOutOfRange(Float80 x) =>
        x.IsNumber && x.Unpack().Exponent >= Trigonometry.ExponentLimit;

    public static Float80 Sine(Float80 x, ref FloatContext context) =>
        IsSettled(x, ref context, out Float80 result) || x.IsZero
            ? result
            : Inexact(Trigonometry.Sine(x.Unpack()), ref context);

    public static Float80 Cosine(Float80 x, ref FloatContext context)
    {
        bool isSettled = IsSettled(x, ref context, out Float80 result);
        return x.IsZero ? Float80.One
            : isSettled ? result
            : Inexact(Trigonometry.Cosine(x.Unpack()), ref context);
    }

    public static Float80 Tangent(Float80 x, ref FloatContext context) =>
        IsSettled(x, ref context, out Float80 result) || x.IsZero
            ? result
            : Inexact(Trigonometry.Tangent(x.Unpack()), ref context);

    /// <summary>2^x - 1. Outside of -1 to 1, where the manuals define nothing, x itself.</summary>
    public static Float80 PowerMinusOne(Float80 x, ref FloatContext context)
    {
        if (Float80Operands.AreSettled(x, ref context, out Float80 result))
        {
            return result;
        }

        if (x.IsInfinite)
        {
            return x.IsNegative ? Float80.One.Negated() : x;
        }

        if (Float80Operands.Stops(x, x, wasDenormal: false, ref context) || x.IsZero || x.Exponent > Float80.Bias)
        {
            return x;
        }

        if (x.Exponent == Float80.Bias)
        {
            // 2^1 - 1 and 2^-1 - 1; larger ones are out of range.
            return x.Significand != Float80.IntegerBit || !x.IsNegative
                ? x
                : x with { Top = (ushort)(x.Top - 1) };
        }

        return Inexact(Logarithm.PowerMinusOne(x.Unpack()), ref context);
    }

    /// <summary>The angle of the point (x, y).</summary>
    public static Float80 Angle(Float80 y, Float80 x, ref FloatContext context)
    {
        if (Float80Operands.AreSettled(y, x, ref context, out Float80 result))
        {
            return result;
        }

        if (Float80Operands.Stops(y, x, wasDenormal: false, ref context))
        {
            return y;
        }

        if (x.IsNumber && y.IsNumber)
        {
            return Inexact(ArcTangent.Of(y.Unpack(), x.Unpack()), ref context);
        }

        bool isOnAxis = y.IsZero || (x.IsInfinite && !y.IsInfinite);
        if (isOnAxis && !x.IsNegative)
        {
            return Float80.Zero(y.IsNegative);
        }

        FloatNumber angle = isOnAxis ? WideConstants.Pi
            : !x.IsInfinite ? WideConstants.HalfPi
            : x.IsNegative ? WideArithmetic.Add(WideConstants.HalfPi, WideConstants.QuarterPi)
            : WideConstants.QuarterPi;
        return Inexact(angle with { IsNegative = y.IsNegative }, ref context);
    }

    /// <summary>y * log2(x).</summary>
    public static Float80 Logarithmic(Float80 y, Float80 x, ref FloatContext context)
    {
        if (Float80Operands.AreSettled(y, x, ref context, out Float80 result))
        {
            return result;
        }

        bool isOne = x == Float80.One;
        bool isInvalid = (x.IsNegative && !x.IsZero)
            || (y.IsZero && (x.IsZero || x.IsInfinite))
            || (y.IsInfinite && isOne);
        if (isInvalid)
        {
            return Float80Operands.Invalid(ref context);
        }

        if (x.IsZero && !y.IsInfinite)
        {
            context.Raise(FloatFlags.ZeroDivide);
            return Float80.Infinity(!y.IsNegative);
        }

        bool isBelowOne = !x.IsInfinite && x.Exponent < Float80.Bias;
        bool isNegative = y.IsNegative != isBelowOne;
        if (Float80Operands.Stops(y, x, wasDenormal: false, ref context) || y.IsInfinite || x.IsInfinite)
        {
            return Float80.Infinity(isNegative);
        }

        return y.IsZero || isOne
            ? Float80.Zero(isNegative)
            : Product(y, Logarithm.Binary(x.Unpack()), IsPowerOf2(x), ref context);
    }

    /// <summary>y * log2(x + 1), as far as x + 1 is positive.</summary>
    public static Float80 LogarithmicOfOnePlus(Float80 y, Float80 x, ref FloatContext context)
    {
        if (Float80Operands.AreSettled(y, x, ref context, out Float80 result))
        {
            return result;
        }

        bool isNegative = y.IsNegative != x.IsNegative;
        bool isBelow = x.IsNegative && x.Exponent >= Float80.Bias;
        bool isInvalid = isBelow || (x.IsZero && y.IsInfinite) || (x.IsInfinite && y.IsZero);
        if (isInvalid)
        {
            return Float80Operands.Invalid(ref context);
        }

        if (Float80Operands.Stops(y, x, wasDenormal: false, ref context) || y.IsInfinite || x.IsInfinite)
        {
            return Float80.Infinity(isNegative);
        }

        return x.IsZero || y.IsZero
            ? Float80.Zero(isNegative)
            : Product(y, Logarithm.BinaryOfOnePlus(x.Unpack()), isExact: false, ref context);
    }

    private static Float80 Product(Float80 y, FloatNumber? logarithm, bool isExact, ref FloatContext context)
    {
        if (logarithm is not { } number)
        {
            return Float80.Zero(y.IsNegative);
        }

        FloatNumber product = WideArithmetic.Multiply(y.Unpack(), number);
        return isExact
            ? Float80.Round(product, Float80.SignificandBits, ref context)
            : Inexact(product, ref context);
    }

    private static bool IsPowerOf2(Float80 x) => (x.Significand & (x.Significand - 1)) == 0;

    /// <summary>True with a result for what is not a number; an infinite angle is invalid.</summary>
    private static bool IsSettled(Float80 x, ref FloatContext context, out Float80 result)
    {
        if (Float80Operands.AreSettled(x, ref context, out result))
        {
            return true;
        }

        result = x;
        if (x.IsInfinite)
        {
            result = Float80Operands.Invalid(ref context);
            return true;
        }

        return IsOutOfRange(x) || Float80Operands.Stops(x, x, wasDenormal: false, ref context);
    }

    /// <summary>Rounds a value that no format holds exactly.</summary>
    private static Float80 Inexact(in FloatNumber value, ref FloatContext context) =>
        Float80.Round(value with { Significand = value.Significand | 1 }, Float80.SignificandBits, ref context);
}
