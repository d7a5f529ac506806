// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float;

/// <summary>Where the fields of a format are, and what they say.</summary>
/// <remarks>Source: IEEE 754-2008, section 3.4; Intel SDM vol. 1, section 4.8.3.</remarks>
internal static class FloatLayout<TFormat>
    where TFormat : struct, IFloatFormat
{
    public static int Bias => (1 << (TFormat.ExponentBits - 1)) - 1;

    public static int ExponentField => (1 << TFormat.ExponentBits) - 1;

    public static ulong HiddenBit => 1ul << TFormat.FractionBits;

    public static ulong FractionMask => HiddenBit - 1;

    public static ulong QuietBit => HiddenBit >> 1;

    public static ulong SignBit => 1ul << (TFormat.FractionBits + TFormat.ExponentBits);

    public static ulong Infinity => (ulong)ExponentField << TFormat.FractionBits;

    public static ulong LargestFinite => Infinity - 1;

    /// <summary>The NaN that an invalid operation gives.</summary>
    public static ulong DefaultNaN => SignBit | Infinity | QuietBit;

    public static ulong Sign(bool isNegative) => isNegative ? SignBit : 0;

    public static bool IsNegative(ulong bits) => (bits & SignBit) != 0;

    public static bool IsNaN(ulong bits) => (bits & ~SignBit) > Infinity;

    public static bool IsSignalingNaN(ulong bits) => IsNaN(bits) && (bits & QuietBit) == 0;

    public static bool IsInfinite(ulong bits) => (bits & ~SignBit) == Infinity;

    public static bool IsZero(ulong bits) => (bits & ~SignBit) == 0;

    public static bool IsDenormal(ulong bits) => (bits & ~SignBit) - 1 < FractionMask;

    /// <summary>The number of an encoding that is finite and not 0.</summary>
    public static FloatNumber Unpack(ulong bits)
    {
        ulong fraction = bits & FractionMask;
        int field = (int)(bits >> TFormat.FractionBits) & ExponentField;
        ulong significand = field == 0 ? fraction : fraction | HiddenBit;
        int exponent = Math.Max(field, 1) - Bias - TFormat.FractionBits;
        return FloatNumber.Normalize(IsNegative(bits), exponent, significand);
    }

    /// <summary>Rounds to the format, with overflow, underflow and inexact.</summary>
    /// <remarks>A result is tiny if it would be below the smallest normal number after rounding with an unbounded
    /// exponent. Masked, underflow is raised only if the result is inexact too. Source: SDM vol. 1, 4.9.1.5.</remarks>
    public static ulong Pack(in FloatNumber number, ref FloatContext context)
    {
        int shift = FloatNumber.TopBit - TFormat.FractionBits;
        FloatRounder.Rounded rounded =
            FloatRounder.Round(number.Significand, shift, context.Rounding, number.IsNegative);
        int exponent = number.Exponent + Bias + (int)(rounded.Value >> (TFormat.FractionBits + 1));
        ulong sign = Sign(number.IsNegative);
        if (exponent >= ExponentField)
        {
            // Not masked, it is inexact only if rounding with an unbounded exponent is.
            bool isInexact = rounded.IsInexact || (context.Masked & FloatFlags.Overflow) != 0;
            context.Raise(FloatFlags.Overflow | (isInexact ? FloatFlags.Inexact : 0));
            ulong overflowed = Overflowed(context.Rounding, number.IsNegative);
            context.RoundedUp = overflowed == Infinity;
            return sign | overflowed;
        }

        if (number.Exponent + Bias >= 1)
        {
            Raise(rounded, ref context);
            return sign | (((ulong)(number.Exponent + Bias - 1) << TFormat.FractionBits) + (ulong)rounded.Value);
        }

        bool isTiny = exponent < 1;
        if (isTiny && (context.Masked & FloatFlags.Underflow) == 0)
        {
            context.Raise(FloatFlags.Underflow);
            Raise(rounded, ref context);
            return sign;
        }

        if (isTiny && context.FlushToZero)
        {
            context.Raise(FloatFlags.Underflow | FloatFlags.Inexact);
            return sign;
        }

        FloatRounder.Rounded denormal = FloatRounder.Round(
            number.Significand, shift + 1 - (number.Exponent + Bias), context.Rounding, number.IsNegative);
        Raise(denormal, ref context);
        context.Raise(isTiny && denormal.IsInexact ? FloatFlags.Underflow : 0);
        return sign | (ulong)denormal.Value;
    }

    private static void Raise(in FloatRounder.Rounded rounded, ref FloatContext context)
    {
        context.Raise(rounded.IsInexact ? FloatFlags.Inexact : 0);
        context.RoundedUp = rounded.IsUp;
    }

    private static ulong Overflowed(FloatRounding rounding, bool isNegative)
    {
        bool isInfinite = rounding switch
        {
            FloatRounding.Nearest => true,
            FloatRounding.Down => isNegative,
            FloatRounding.Up => !isNegative,
            _ => false,
        };
        return isInfinite ? Infinity : LargestFinite;
    }
}
