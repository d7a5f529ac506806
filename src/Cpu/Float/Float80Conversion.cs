// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float;

/// <summary>Between the 80-bit format and what memory holds: 32 and 64 bits, integers, packed decimals.</summary>
/// <remarks>Source: Intel SDM vol. 1, sections 4.7, 8.3.3 and 8.5; vol. 2, "FLD", "FST", "FIST", "FBLD", "FBSTP".
/// </remarks>
internal static class Float80Conversion
{
    private const int DecimalDigits = 18;
    private const ulong DecimalLimit = 1_000_000_000_000_000_000;

    /// <summary>The same value, exactly. A signalling NaN stays one.</summary>
    /// <param name="bits">The encoding.</param>
    /// <param name="isDenormal">True for a denormal of the narrow format.</param>
    public static Float80 From<TFormat>(ulong bits, out bool isDenormal)
        where TFormat : struct, IFloatFormat
    {
        bool isNegative = FloatLayout<TFormat>.IsNegative(bits);
        isDenormal = FloatLayout<TFormat>.IsDenormal(bits);
        if (FloatLayout<TFormat>.IsZero(bits))
        {
            return Float80.Zero(isNegative);
        }

        if (FloatLayout<TFormat>.IsNaN(bits) || FloatLayout<TFormat>.IsInfinite(bits))
        {
            ulong fraction = (bits & FloatLayout<TFormat>.FractionMask) << (63 - TFormat.FractionBits);
            var infinity = Float80.Infinity(isNegative);
            return infinity with { Significand = infinity.Significand | fraction };
        }

        FloatContext exact = new() { Masked = FloatFlags.All };
        return Float80.Round(FloatLayout<TFormat>.Unpack(bits), Float80.SignificandBits, ref exact);
    }

    /// <summary>Loads a number of 32 or 64 bits: signals of NaNs, denormals are raised.</summary>
    public static Float80 Load<TFormat>(ulong bits, ref FloatContext context)
        where TFormat : struct, IFloatFormat
    {
        Float80 value = From<TFormat>(bits, out bool isDenormal);
        context.Raise(isDenormal ? FloatFlags.Denormal : value.IsSignalingNaN ? FloatFlags.Invalid : 0);
        return value.IsNaN ? value.Quieted() : value;
    }

    /// <summary>Rounds to 32 or 64 bits. With overflow or underflow raised and unmasked the result is of no use.
    /// </summary>
    public static ulong To<TFormat>(Float80 a, ref FloatContext context)
        where TFormat : struct, IFloatFormat
    {
        if (a.IsUnsupported)
        {
            context.Raise(FloatFlags.Invalid);
            return FloatLayout<TFormat>.DefaultNaN;
        }

        ulong sign = FloatLayout<TFormat>.Sign(a.IsNegative);
        if (a.IsZero)
        {
            return sign;
        }

        if (a.IsNaN)
        {
            context.Raise(a.IsSignalingNaN ? FloatFlags.Invalid : 0);
            ulong fraction = (a.Quieted().Significand & ~Float80.IntegerBit) >> (63 - TFormat.FractionBits);
            return sign | FloatLayout<TFormat>.Infinity | fraction;
        }

        return a.IsInfinite
            ? sign | FloatLayout<TFormat>.Infinity
            : FloatLayout<TFormat>.Pack(a.Unpack(), ref context);
    }

    public static Float80 FromInteger(long value)
    {
        if (value == 0)
        {
            return Float80.Zero(isNegative: false);
        }

        ulong magnitude = value < 0 ? unchecked((ulong)-value) : (ulong)value;
        FloatContext exact = new() { Masked = FloatFlags.All };
        return Float80.Round(
            FloatNumber.Normalize(value < 0, 0, magnitude), Float80.SignificandBits, ref exact);
    }

    /// <summary>A signed integer of so many bits; the smallest, with invalid, if there is none.</summary>
    public static long ToInteger(Float80 a, int bits, ref FloatContext context)
    {
        UInt128 limit = (UInt128.One << (bits - 1)) - (a.IsNegative ? 0u : 1u);
        return TryRound(a, limit, ref context, out ulong magnitude)
            ? a.IsNegative ? unchecked(-(long)magnitude) : (long)magnitude
            : long.MinValue >> (64 - bits);
    }

    /// <summary>Eighteen decimal digits and a sign, exactly; digits above 9 count as what they are.</summary>
    public static Float80 FromDecimal(ulong low, ushort high)
    {
        ulong value = 0;
        for (int digit = DecimalDigits - 1; digit >= 0; digit--)
        {
            ulong code = digit >= 16 ? (ulong)high >> (4 * (digit - 16)) : low >> (4 * digit);
            value = (value * 10) + (code & 0xF);
        }

        Float80 magnitude = FromInteger((long)value);
        return (high & 0x8000) != 0 ? magnitude.Negated() : magnitude;
    }

    /// <summary>Rounds to eighteen decimal digits; the packed decimal indefinite, with invalid, if there are more.
    /// </summary>
    public static (ulong Low, ushort High) ToDecimal(Float80 a, ref FloatContext context)
    {
        if (!TryRound(a, DecimalLimit - 1, ref context, out ulong magnitude))
        {
            return (0xC000_0000_0000_0000, 0xFFFF);
        }

        UInt128 digits = 0;
        for (int digit = 0; digit < DecimalDigits; digit++)
        {
            digits |= (UInt128)(magnitude % 10) << (4 * digit);
            magnitude /= 10;
        }

        return ((ulong)digits, (ushort)((ushort)(digits >> 64) | (a.IsNegative ? 0x8000 : 0)));
    }

    /// <summary>The magnitude as an integer; false, with invalid, if it is above the limit or there is none.</summary>
    private static bool TryRound(Float80 a, UInt128 limit, ref FloatContext context, out ulong magnitude)
    {
        magnitude = 0;
        if (a.IsZero)
        {
            return true;
        }

        if (a.IsNumber)
        {
            FloatNumber number = a.Unpack();
            FloatRounder.Rounded integer = number.Exponent < Float80.SignificandBits
                ? FloatRounder.ToInteger(number, context.Rounding)
                : new FloatRounder.Rounded(UInt128.MaxValue, false, false);
            if (integer.Value <= limit)
            {
                context.Raise(integer.IsInexact ? FloatFlags.Inexact : 0);
                context.RoundedUp = integer.IsUp;
                magnitude = (ulong)integer.Value;
                return true;
            }
        }

        context.Raise(FloatFlags.Invalid);
        return false;
    }
}
