// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float;

/// <summary>An encoding of the 80-bit format of x87: any bits, also those that are no number.</summary>
/// <param name="Top">Sign in bit 15, biased exponent in 14:0.</param>
/// <param name="Significand">With its integer bit, bit 63.</param>
/// <remarks>Source: Intel SDM vol. 1, sections 4.2.2 and 8.2.2, tables 4-3 and 8-3.</remarks>
internal readonly record struct Float80(ushort Top, ulong Significand)
{
    public const int SignificandBits = 64;
    public const int Bias = 16383;
    public const int ExponentField = 0x7FFF;
    public const ulong IntegerBit = 1ul << 63;
    public const ulong QuietBit = 1ul << 62;
    private const ushort SignBit = 0x8000;

    /// <summary>The NaN that a masked invalid operation gives: the real indefinite.</summary>
    public static Float80 Indefinite => new(0xFFFF, IntegerBit | QuietBit);

    public static Float80 One => new(Bias, IntegerBit);

    public int Exponent => Top & ExponentField;

    public bool IsNegative => (Top & SignBit) != 0;

    public bool HasIntegerBit => (Significand & IntegerBit) != 0;

    public bool IsZero => Exponent == 0 && Significand == 0;

    /// <summary>True also for a pseudo-denormal, which has the integer bit.</summary>
    public bool IsDenormal => Exponent == 0 && Significand != 0;

    /// <summary>Unnormal, pseudo-infinity or pseudo-NaN: invalid as an operand.</summary>
    public bool IsUnsupported => Exponent != 0 && !HasIntegerBit;

    public bool IsInfinite => Exponent == ExponentField && Significand == IntegerBit;

    public bool IsNaN => Exponent == ExponentField && Significand > IntegerBit;

    public bool IsSignalingNaN => IsNaN && (Significand & QuietBit) == 0;

    /// <summary>True if the value is finite and not 0.</summary>
    public bool IsNumber => !IsZero && !IsUnsupported && Exponent != ExponentField;

    public static Float80 Zero(bool isNegative) => new(Sign(isNegative), 0);

    public static Float80 Infinity(bool isNegative) => new((ushort)(Sign(isNegative) | ExponentField), IntegerBit);

    public Float80 Negated() => new((ushort)(Top ^ SignBit), Significand);

    public Float80 Magnitude() => new((ushort)Exponent, Significand);

    public Float80 Quieted() => new(Top, Significand | QuietBit);

    /// <summary>A pseudo-denormal as the normal number that it is; anything else as it is.</summary>
    public Float80 Canonical() => Exponent == 0 && HasIntegerBit ? this with { Top = (ushort)(Top | 1) } : this;

    /// <summary>The value of a number: see <see cref="IsNumber"/>.</summary>
    public FloatNumber Unpack() => FloatNumber.Normalize(
        IsNegative, Math.Max(Exponent, 1) - Bias - (SignificandBits - 1), Significand);

    /// <summary>Rounds to a precision, with the exponent range of this format.</summary>
    /// <param name="number">The value.</param>
    /// <param name="precisionBits">24, 53 or 64.</param>
    /// <param name="context">Gets overflow, underflow and inexact.</param>
    /// <remarks>Where overflow or underflow is unmasked the exponent is moved by 24576. Source: SDM vol. 1, sections
    /// 8.5.4 to 8.5.6.</remarks>
    public static Float80 Round(in FloatNumber number, int precisionBits, ref FloatContext context)
    {
        const int Moved = 24576;
        FloatRounder.Rounded rounded = FloatRounder.Round(
            number.Significand, FloatNumber.TopBit + 1 - precisionBits, context.Rounding, number.IsNegative);
        int exponent = number.Exponent + Bias + (int)(rounded.Value >> precisionBits);
        if (exponent is > 0 and < ExponentField && number.Exponent + Bias > 0)
        {
            Raise(rounded, ref context);
            return Pack(number.IsNegative, exponent, rounded.Value, precisionBits);
        }

        if (exponent >= ExponentField)
        {
            context.Raise(FloatFlags.Overflow);
            if ((context.Masked & FloatFlags.Overflow) == 0 && exponent - Moved >= ExponentField)
            {
                context.Raise(FloatFlags.Inexact);
                context.RoundedUp = true;
                return Infinity(number.IsNegative);
            }

            if ((context.Masked & FloatFlags.Overflow) != 0)
            {
                return Overflowed(number.IsNegative, precisionBits, ref context);
            }

            Raise(rounded, ref context);
            return Pack(number.IsNegative, exponent - Moved, rounded.Value, precisionBits);
        }

        bool isTiny = exponent < 1;
        if (isTiny && (context.Masked & FloatFlags.Underflow) == 0)
        {
            context.Raise(FloatFlags.Underflow);
            if (exponent + Moved < 1)
            {
                context.Raise(FloatFlags.Inexact);
                return Zero(number.IsNegative);
            }

            Raise(rounded, ref context);
            return Pack(number.IsNegative, exponent + Moved, rounded.Value, precisionBits);
        }

        return Denormal(number, precisionBits, isTiny, ref context);
    }

    private static Float80 Denormal(in FloatNumber number, int precisionBits, bool isTiny, ref FloatContext context)
    {
        // The lowest bit kept is where it is in a normal number of this precision.
        int unused = SignificandBits - precisionBits;
        int shift = SignificandBits + 1 - (number.Exponent + Bias);
        FloatRounder.Rounded rounded =
            FloatRounder.Round(number.Significand, shift + unused, context.Rounding, number.IsNegative);
        Raise(rounded, ref context);
        context.Raise(isTiny && rounded.IsInexact ? FloatFlags.Underflow : 0);
        ulong significand = (ulong)rounded.Value << unused;
        return new Float80((ushort)(Sign(number.IsNegative) | (significand >> 63)), significand);
    }

    private static Float80 Overflowed(bool isNegative, int precisionBits, ref FloatContext context)
    {
        context.Raise(FloatFlags.Inexact);
        bool isInfinite = context.Rounding switch
        {
            FloatRounding.Nearest => true,
            FloatRounding.Down => isNegative,
            FloatRounding.Up => !isNegative,
            _ => false,
        };
        context.RoundedUp = isInfinite;
        return isInfinite
            ? Infinity(isNegative)
            : new Float80(
                (ushort)(Sign(isNegative) | (ExponentField - 1)), ulong.MaxValue << (SignificandBits - precisionBits));
    }

    private static Float80 Pack(bool isNegative, int exponent, UInt128 rounded, int precisionBits)
    {
        // All ones that were rounded up are one bit longer, and the rest of them is 0.
        UInt128 significand = rounded << (SignificandBits - precisionBits);
        return new Float80(
            (ushort)(Sign(isNegative) | exponent), significand >> 64 != 0 ? IntegerBit : (ulong)significand);
    }

    private static void Raise(in FloatRounder.Rounded rounded, ref FloatContext context)
    {
        context.Raise(rounded.IsInexact ? FloatFlags.Inexact : 0);
        context.RoundedUp = rounded.IsUp;
    }

    private static ushort Sign(bool isNegative) => isNegative ? SignBit : (ushort)0;
}
