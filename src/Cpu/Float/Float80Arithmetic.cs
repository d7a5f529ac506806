// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float;

/// <summary>Basic arithmetic of x87, rounded to the precision of the context.</summary>
/// <remarks>
/// <para><c>wasDenormal</c>: an operand came from memory as a denormal of 32 or 64 bits, which is a normal number
/// here.</para>
/// <para>Source: Intel SDM vol. 1, section 8.3.5; vol. 2, "FADD", "FSUB", "FMUL", "FDIV", "FSQRT", "FCOM".</para>
/// </remarks>
internal static class Float80Arithmetic
{
    public static Float80 Add(Float80 a, Float80 b, bool wasDenormal, ref FloatContext context)
    {
        if (Float80Operands.AreSettled(a, b, ref context, out Float80 result))
        {
            return result;
        }

        bool areOpposed = a.IsNegative != b.IsNegative;
        if (a.IsInfinite && b.IsInfinite && areOpposed)
        {
            return Float80Operands.Invalid(ref context);
        }

        if (Float80Operands.Stops(a, b, wasDenormal, ref context) || a.IsInfinite || b.IsInfinite)
        {
            return a.IsInfinite ? a : b;
        }

        if (a.IsZero || b.IsZero)
        {
            return !a.IsZero ? Round(a.Unpack(), ref context)
                : !b.IsZero ? Round(b.Unpack(), ref context)
                : areOpposed ? ZeroSum(context)
                : a;
        }

        FloatNumber? sum = FloatArithmetic.Add(a.Unpack(), b.Unpack());
        return sum is { } number ? Round(number, ref context) : ZeroSum(context);
    }

    public static Float80 Subtract(Float80 a, Float80 b, bool wasDenormal, ref FloatContext context) =>
        Add(a, b.IsNaN ? b : b.Negated(), wasDenormal, ref context);

    public static Float80 Multiply(Float80 a, Float80 b, bool wasDenormal, ref FloatContext context)
    {
        if (Float80Operands.AreSettled(a, b, ref context, out Float80 result))
        {
            return result;
        }

        bool isNegative = a.IsNegative != b.IsNegative;
        if ((a.IsInfinite && b.IsZero) || (a.IsZero && b.IsInfinite))
        {
            return Float80Operands.Invalid(ref context);
        }

        if (Float80Operands.Stops(a, b, wasDenormal, ref context) || a.IsInfinite || b.IsInfinite)
        {
            return Float80.Infinity(isNegative);
        }

        return a.IsZero || b.IsZero
            ? Float80.Zero(isNegative)
            : Round(FloatArithmetic.Multiply(a.Unpack(), b.Unpack()), ref context);
    }

    public static Float80 Divide(Float80 a, Float80 b, bool wasDenormal, ref FloatContext context)
    {
        if (Float80Operands.AreSettled(a, b, ref context, out Float80 result))
        {
            return result;
        }

        bool isNegative = a.IsNegative != b.IsNegative;
        if ((a.IsInfinite && b.IsInfinite) || (a.IsZero && b.IsZero))
        {
            return Float80Operands.Invalid(ref context);
        }

        if (b.IsZero && !a.IsInfinite)
        {
            context.Raise(FloatFlags.ZeroDivide);
            return Float80.Infinity(isNegative);
        }

        if (Float80Operands.Stops(a, b, wasDenormal, ref context) || a.IsInfinite)
        {
            return Float80.Infinity(isNegative);
        }

        return a.IsZero || b.IsInfinite
            ? Float80.Zero(isNegative)
            : Round(FloatArithmetic.Divide(a.Unpack(), b.Unpack()), ref context);
    }

    public static Float80 SquareRoot(Float80 a, ref FloatContext context)
    {
        if (Float80Operands.AreSettled(a, ref context, out Float80 result))
        {
            return result;
        }

        if (a.IsZero)
        {
            return a;
        }

        if (a.IsNegative)
        {
            return Float80Operands.Invalid(ref context);
        }

        return Float80Operands.Stops(a, a, wasDenormal: false, ref context) || a.IsInfinite
            ? a
            : Round(FloatArithmetic.SquareRoot(a.Unpack()), ref context);
    }

    /// <summary>Compares; quiet NaNs are invalid too if <paramref name="signalsQuiet"/>.</summary>
    public static FloatOrder Compare(
        Float80 a, Float80 b, bool wasDenormal, bool signalsQuiet, ref FloatContext context)
    {
        if (a.IsUnsupported || b.IsUnsupported || a.IsNaN || b.IsNaN)
        {
            bool signals = signalsQuiet || a.IsSignalingNaN || b.IsSignalingNaN || a.IsUnsupported || b.IsUnsupported;
            context.Raise(signals ? FloatFlags.Invalid : 0);
            return FloatOrder.Unordered;
        }

        Float80Operands.Stops(a, b, wasDenormal, ref context);
        if (a.IsZero && b.IsZero)
        {
            return FloatOrder.Equal;
        }

        if (a.IsNegative != b.IsNegative)
        {
            return a.IsNegative ? FloatOrder.Less : FloatOrder.Greater;
        }

        int order = CompareMagnitudes(a, b);
        order = a.IsNegative ? -order : order;
        return order < 0 ? FloatOrder.Less : order > 0 ? FloatOrder.Greater : FloatOrder.Equal;
    }

    private static int CompareMagnitudes(Float80 a, Float80 b)
    {
        // A pseudo-denormal has the value of exponent 1.
        int byExponent = Math.Max(a.Exponent, 1).CompareTo(Math.Max(b.Exponent, 1));
        return byExponent != 0 ? byExponent : a.Significand.CompareTo(b.Significand);
    }

    private static Float80 Round(in FloatNumber number, ref FloatContext context) =>
        Float80.Round(number, context.PrecisionBits, ref context);

    private static Float80 ZeroSum(in FloatContext context) =>
        Float80.Zero(context.Rounding == FloatRounding.Down);
}
