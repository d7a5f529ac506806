// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float;

/// <summary>The operations of SSE on one element, for formats of at most 64 bits.</summary>
/// <remarks>
/// <para>Integers only: no host rounds here. NaNs as SSE has them: the first source if it is one, else the second, made
/// quiet. A denormal operand is raised only where nothing before it decides the result.</para>
/// <para>Source: Intel SDM vol. 1, sections 4.8.3.5, 4.9.1 and 11.5.2, appendix E.4.2; vol. 2 of each instruction.
/// </para>
/// </remarks>
internal static class BinaryFloat<TFormat>
    where TFormat : struct, IFloatFormat
{
    public static ulong Add(ulong a, ulong b, ref FloatContext context)
    {
        if (IsSettledByNaN(ref a, ref b, ref context, out ulong result))
        {
            return result;
        }

        if (FloatLayout<TFormat>.IsInfinite(a) || FloatLayout<TFormat>.IsInfinite(b))
        {
            bool areOpposed = FloatLayout<TFormat>.IsInfinite(a) && FloatLayout<TFormat>.IsInfinite(b) && a != b;
            return areOpposed ? Invalid(ref context)
                : Settled(a, b, FloatLayout<TFormat>.IsInfinite(a) ? a : b, ref context);
        }

        RaiseDenormals(a, b, ref context);
        if (context.Stops)
        {
            return 0;
        }

        if (FloatLayout<TFormat>.IsZero(a) || FloatLayout<TFormat>.IsZero(b))
        {
            return !FloatLayout<TFormat>.IsZero(a) ? Same(a, ref context)
                : !FloatLayout<TFormat>.IsZero(b) ? Same(b, ref context)
                : a == b ? a
                : ZeroSum(context);
        }

        FloatNumber? sum = FloatArithmetic.Add(FloatLayout<TFormat>.Unpack(a), FloatLayout<TFormat>.Unpack(b));
        return sum is { } number ? FloatLayout<TFormat>.Pack(number, ref context) : ZeroSum(context);
    }

    public static ulong Subtract(ulong a, ulong b, ref FloatContext context) =>
        Add(a, FloatLayout<TFormat>.IsNaN(b) ? b : b ^ FloatLayout<TFormat>.SignBit, ref context);

    public static ulong Multiply(ulong a, ulong b, ref FloatContext context)
    {
        if (IsSettledByNaN(ref a, ref b, ref context, out ulong result))
        {
            return result;
        }

        ulong sign = (a ^ b) & FloatLayout<TFormat>.SignBit;
        bool isZero = FloatLayout<TFormat>.IsZero(a) || FloatLayout<TFormat>.IsZero(b);
        if (FloatLayout<TFormat>.IsInfinite(a) || FloatLayout<TFormat>.IsInfinite(b))
        {
            return isZero ? Invalid(ref context) : Settled(a, b, sign | FloatLayout<TFormat>.Infinity, ref context);
        }

        RaiseDenormals(a, b, ref context);
        return context.Stops || isZero
            ? sign
            : FloatLayout<TFormat>.Pack(
                FloatArithmetic.Multiply(FloatLayout<TFormat>.Unpack(a), FloatLayout<TFormat>.Unpack(b)), ref context);
    }

    public static ulong Divide(ulong a, ulong b, ref FloatContext context)
    {
        if (IsSettledByNaN(ref a, ref b, ref context, out ulong result))
        {
            return result;
        }

        ulong sign = (a ^ b) & FloatLayout<TFormat>.SignBit;
        if (FloatLayout<TFormat>.IsInfinite(a))
        {
            return FloatLayout<TFormat>.IsInfinite(b)
                ? Invalid(ref context)
                : Settled(a, b, sign | FloatLayout<TFormat>.Infinity, ref context);
        }

        if (FloatLayout<TFormat>.IsInfinite(b))
        {
            return Settled(a, b, sign, ref context);
        }

        if (FloatLayout<TFormat>.IsZero(b))
        {
            if (FloatLayout<TFormat>.IsZero(a))
            {
                return Invalid(ref context);
            }

            context.Raise(FloatFlags.ZeroDivide);
            return sign | FloatLayout<TFormat>.Infinity;
        }

        RaiseDenormals(a, b, ref context);
        return context.Stops || FloatLayout<TFormat>.IsZero(a)
            ? sign
            : FloatLayout<TFormat>.Pack(
                FloatArithmetic.Divide(FloatLayout<TFormat>.Unpack(a), FloatLayout<TFormat>.Unpack(b)), ref context);
    }

    public static ulong SquareRoot(ulong a, ref FloatContext context)
    {
        a = Flushed(a, context);
        if (FloatLayout<TFormat>.IsNaN(a))
        {
            return Quiet(a, ref context);
        }

        if (FloatLayout<TFormat>.IsZero(a))
        {
            return a;
        }

        if (FloatLayout<TFormat>.IsNegative(a))
        {
            return Invalid(ref context);
        }

        if (FloatLayout<TFormat>.IsInfinite(a))
        {
            return a;
        }

        RaiseDenormals(a, a, ref context);
        return context.Stops
            ? 0
            : FloatLayout<TFormat>.Pack(FloatArithmetic.SquareRoot(FloatLayout<TFormat>.Unpack(a)), ref context);
    }

    /// <summary>Compares, with no result but the order.</summary>
    /// <param name="a">The first.</param>
    /// <param name="b">The second.</param>
    /// <param name="context">Gets invalid and denormal.</param>
    /// <param name="signalsQuiet">Quiet NaNs are invalid too.</param>
    public static FloatOrder Compare(ulong a, ulong b, ref FloatContext context, bool signalsQuiet)
    {
        a = Flushed(a, context);
        b = Flushed(b, context);
        if (FloatLayout<TFormat>.IsNaN(a) || FloatLayout<TFormat>.IsNaN(b))
        {
            bool signals = signalsQuiet
                || FloatLayout<TFormat>.IsSignalingNaN(a)
                || FloatLayout<TFormat>.IsSignalingNaN(b);
            context.Raise(signals ? FloatFlags.Invalid : 0);
            return FloatOrder.Unordered;
        }

        RaiseDenormals(a, b, ref context);
        long first = Ordered(a);
        long second = Ordered(b);
        return first < second ? FloatOrder.Less
            : first > second ? FloatOrder.Greater
            : FloatOrder.Equal;
    }

    /// <summary>The nearest integer in the same format. No denormal is raised; inexact is, if something was lost.
    /// </summary>
    public static ulong RoundToInteger(ulong a, ref FloatContext context)
    {
        a = Flushed(a, context);
        if (FloatLayout<TFormat>.IsNaN(a))
        {
            return Quiet(a, ref context);
        }

        if (FloatLayout<TFormat>.IsZero(a) || FloatLayout<TFormat>.IsInfinite(a))
        {
            return a;
        }

        FloatNumber number = FloatLayout<TFormat>.Unpack(a);
        if (number.Exponent >= TFormat.FractionBits)
        {
            return a;
        }

        FloatRounder.Rounded integer = FloatRounder.ToInteger(number, context.Rounding);
        context.Raise(integer.IsInexact ? FloatFlags.Inexact : 0);
        return integer.Value == 0
            ? a & FloatLayout<TFormat>.SignBit
            : FloatLayout<TFormat>.Pack(FloatNumber.Normalize(number.IsNegative, 0, integer.Value), ref context);
    }

    /// <summary>A signed integer of so many bits; the smallest, with invalid, if there is none.</summary>
    public static long ToInteger(ulong a, int bits, ref FloatContext context)
    {
        long indefinite = long.MinValue >> (64 - bits);
        a = Flushed(a, context);
        if (FloatLayout<TFormat>.IsZero(a))
        {
            return 0;
        }

        bool isNumber = !FloatLayout<TFormat>.IsNaN(a) && !FloatLayout<TFormat>.IsInfinite(a);
        FloatNumber number = isNumber ? FloatLayout<TFormat>.Unpack(a) : default;
        if (!isNumber || number.Exponent >= bits)
        {
            context.Raise(FloatFlags.Invalid);
            return indefinite;
        }

        FloatRounder.Rounded integer = FloatRounder.ToInteger(number, context.Rounding);
        UInt128 limit = (UInt128.One << (bits - 1)) - (number.IsNegative ? 0u : 1u);
        if (integer.Value > limit)
        {
            context.Raise(FloatFlags.Invalid);
            return indefinite;
        }

        context.Raise(integer.IsInexact ? FloatFlags.Inexact : 0);
        return number.IsNegative ? unchecked(-(long)(ulong)integer.Value) : (long)integer.Value;
    }

    public static ulong FromInteger(long value, ref FloatContext context)
    {
        ulong magnitude = value < 0 ? unchecked((ulong)-value) : (ulong)value;
        return value == 0
            ? 0
            : FloatLayout<TFormat>.Pack(FloatNumber.Normalize(value < 0, 0, magnitude), ref context);
    }

    /// <summary>The same number in another format.</summary>
    public static ulong Convert<TTo>(ulong a, ref FloatContext context)
        where TTo : struct, IFloatFormat
    {
        a = Flushed(a, context);
        bool isNegative = FloatLayout<TFormat>.IsNegative(a);
        ulong sign = FloatLayout<TTo>.Sign(isNegative);
        if (FloatLayout<TFormat>.IsNaN(a))
        {
            ulong fraction = Quiet(a, ref context) & FloatLayout<TFormat>.FractionMask;
            int up = TTo.FractionBits - TFormat.FractionBits;
            return sign | FloatLayout<TTo>.Infinity | (up >= 0 ? fraction << up : fraction >> -up);
        }

        if (FloatLayout<TFormat>.IsZero(a) || FloatLayout<TFormat>.IsInfinite(a))
        {
            return sign | (FloatLayout<TFormat>.IsZero(a) ? 0 : FloatLayout<TTo>.Infinity);
        }

        RaiseDenormals(a, a, ref context);
        return context.Stops ? 0 : FloatLayout<TTo>.Pack(FloatLayout<TFormat>.Unpack(a), ref context);
    }

    /// <summary>A denormal is 0 of its sign if the context says so.</summary>
    public static ulong Flushed(ulong a, in FloatContext context) =>
        context.DenormalsAreZero && FloatLayout<TFormat>.IsDenormal(a) ? a & FloatLayout<TFormat>.SignBit : a;

    private static bool IsSettledByNaN(ref ulong a, ref ulong b, ref FloatContext context, out ulong result)
    {
        a = Flushed(a, context);
        b = Flushed(b, context);
        result = 0;
        bool firstIsNaN = FloatLayout<TFormat>.IsNaN(a);
        if (!firstIsNaN && !FloatLayout<TFormat>.IsNaN(b))
        {
            return false;
        }

        bool signals = FloatLayout<TFormat>.IsSignalingNaN(a) || FloatLayout<TFormat>.IsSignalingNaN(b);
        context.Raise(signals ? FloatFlags.Invalid : 0);
        result = (firstIsNaN ? a : b) | FloatLayout<TFormat>.QuietBit;
        return true;
    }

    private static ulong Quiet(ulong nan, ref FloatContext context)
    {
        context.Raise(FloatLayout<TFormat>.IsSignalingNaN(nan) ? FloatFlags.Invalid : 0);
        return nan | FloatLayout<TFormat>.QuietBit;
    }

    private static ulong Invalid(ref FloatContext context)
    {
        context.Raise(FloatFlags.Invalid);
        return FloatLayout<TFormat>.DefaultNaN;
    }

    /// <summary>A result that an infinity decides; a denormal beside it is raised all the same.</summary>
    private static ulong Settled(ulong a, ulong b, ulong result, ref FloatContext context)
    {
        RaiseDenormals(a, b, ref context);
        return result;
    }

    /// <summary>x + 0: rounding changes nothing, but a tiny result is one.</summary>
    private static ulong Same(ulong a, ref FloatContext context) =>
        FloatLayout<TFormat>.Pack(FloatLayout<TFormat>.Unpack(a), ref context);

    private static void RaiseDenormals(ulong a, ulong b, ref FloatContext context)
    {
        bool hasDenormal = FloatLayout<TFormat>.IsDenormal(a) || FloatLayout<TFormat>.IsDenormal(b);
        context.Raise(hasDenormal ? FloatFlags.Denormal : 0);
    }

    private static ulong ZeroSum(in FloatContext context) =>
        FloatLayout<TFormat>.Sign(context.Rounding == FloatRounding.Down);

    private static long Ordered(ulong a)
    {
        long magnitude = (long)(a & ~FloatLayout<TFormat>.SignBit);
        return FloatLayout<TFormat>.IsNegative(a) ? -magnitude : magnitude;
    }
}
