// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float;

/// <summary>Arithmetic on numbers with a significand of at most 64 bits, exact but for the sticky bit of the
/// result.</summary>
/// <remarks>Source: D. Knuth, The Art of Computer Programming vol. 2, sections 4.2.1 and 4.3.1.</remarks>
internal static class FloatArithmetic
{
    private const int GuardBits = 64;

    /// <summary>The sum; null if it is exactly 0.</summary>
    public static FloatNumber? Add(in FloatNumber a, in FloatNumber b)
    {
        bool isLarger = a.Exponent > b.Exponent
            || (a.Exponent == b.Exponent && a.Significand >= b.Significand);
        FloatNumber large = isLarger ? a : b;
        FloatNumber small = isLarger ? b : a;
        UInt128 aligned = FloatNumber.ShiftRightSticky(small.Significand >> 1, large.Exponent - small.Exponent);
        UInt128 sum = large.IsNegative == small.IsNegative
            ? (large.Significand >> 1) + aligned
            : (large.Significand >> 1) - aligned;
        return sum == 0
            ? null
            : FloatNumber.Normalize(large.IsNegative, large.Exponent + 1 - FloatNumber.TopBit, sum);
    }

    public static FloatNumber Multiply(in FloatNumber a, in FloatNumber b)
    {
        ulong high = Math.BigMul(
            (ulong)(a.Significand >> GuardBits), (ulong)(b.Significand >> GuardBits), out ulong low);
        return FloatNumber.Normalize(
            a.IsNegative != b.IsNegative,
            a.Exponent + b.Exponent + 1 - FloatNumber.TopBit,
            new UInt128(high, low));
    }

    public static FloatNumber Divide(in FloatNumber a, in FloatNumber b)
    {
        UInt128 divisor = b.Significand >> GuardBits;
        bool isBelow = a.Significand < b.Significand;
        UInt128 dividend = isBelow ? a.Significand : a.Significand >> 1;
        (UInt128 first, UInt128 rest) = UInt128.DivRem(dividend, divisor);
        UInt128 significand = first << GuardBits;
        if (rest != 0)
        {
            (UInt128 second, rest) = UInt128.DivRem(rest << GuardBits, divisor);
            significand |= second | (rest == 0 ? 0u : 1u);
        }

        return new FloatNumber(
            a.IsNegative != b.IsNegative, a.Exponent - b.Exponent - (isBelow ? 1 : 0), significand);
    }

    /// <summary>The square root of a positive number.</summary>
    public static FloatNumber SquareRoot(in FloatNumber a)
    {
        // sqrt(m * 2^e) for even e; the radicand has 130 bits, taken in from above two at a time.
        bool isOdd = (a.Exponent & 1) != 0;
        UInt128 radicand = isOdd ? a.Significand : a.Significand >> 1;
        UInt128 root = 0;
        UInt128 rest = 0;
        for (int bit = 0; bit < RootBits; bit++)
        {
            rest = (rest << 2) | (radicand >> 126);
            radicand <<= 2;
            UInt128 trial = (root << 2) | 1;
            root <<= 1;
            if (rest >= trial)
            {
                rest -= trial;
                root |= 1;
            }
        }

        UInt128 significand = (root << (FloatNumber.TopBit + 1 - RootBits)) | (rest == 0 ? 0u : 1u);
        return new FloatNumber(false, a.Exponent >> 1, significand);
    }

    // 64 bits of the widest format, one to round by, one more.
    private const int RootBits = 66;
}
