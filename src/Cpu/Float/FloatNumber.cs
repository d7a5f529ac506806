// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float;

/// <summary>A number that is neither 0 nor infinite, with more bits than any format keeps: ± significand / 2^127 *
/// 2^exponent, bit 127 of the significand set.</summary>
/// <remarks>The lowest bit of the significand is sticky: set, it says that ones were lost below. Rounding to 64 bits or
/// fewer sees no difference.</remarks>
internal readonly record struct FloatNumber(bool IsNegative, int Exponent, UInt128 Significand)
{
    public const int TopBit = 127;

    /// <summary>From an integer magnitude * 2^exponent; the magnitude is not 0.</summary>
    public static FloatNumber Normalize(bool isNegative, int exponent, UInt128 magnitude)
    {
        int shift = (int)UInt128.LeadingZeroCount(magnitude);
        return new FloatNumber(isNegative, exponent + TopBit - shift, magnitude << shift);
    }

    /// <summary>Right shift that keeps a one below as the lowest bit.</summary>
    public static UInt128 ShiftRightSticky(UInt128 value, int count)
    {
        if (count == 0)
        {
            return value;
        }

        if (count > TopBit)
        {
            return value == 0 ? 0 : UInt128.One;
        }

        UInt128 shifted = value >> count;
        return (shifted << count) == value ? shifted : shifted | 1;
    }
}
