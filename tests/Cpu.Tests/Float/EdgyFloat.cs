// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Float;

namespace KvmActors.Cpu.Tests.Float;

/// <summary>Encodings where rounding, range and kind change.</summary>
internal static class EdgyFloat
{
    /// <summary>binary32 (as <c>SingleFormat</c>) or binary64.</summary>
    public static ulong Next<TFormat>(Random random)
        where TFormat : struct, IFloatFormat
    {
        ulong exponent = Exponent(random, FloatLayout<TFormat>.ExponentField, FloatLayout<TFormat>.Bias,
            TFormat.FractionBits);
        ulong fraction = Fraction(random, TFormat.FractionBits);
        return FloatLayout<TFormat>.Sign(random.Next(2) == 0) | (exponent << TFormat.FractionBits) | fraction;
    }

    /// <summary>A second operand that is often near the first, or where the result is near an end of the range.
    /// </summary>
    public static ulong Beside<TFormat>(Random random, ulong first)
        where TFormat : struct, IFloatFormat
    {
        switch (random.Next(6))
        {
            case 0:
                return first ^ (random.Next(2) == 0 ? FloatLayout<TFormat>.SignBit : 0) ^ (ulong)random.Next(4);
            case 1:
                int field = (int)(first >> TFormat.FractionBits) & FloatLayout<TFormat>.ExponentField;
                int near = Math.Clamp(
                    field + random.Next(-TFormat.FractionBits - 3, TFormat.FractionBits + 4),
                    0,
                    FloatLayout<TFormat>.ExponentField);
                return FloatLayout<TFormat>.Sign(random.Next(2) == 0)
                    | ((ulong)near << TFormat.FractionBits) | Fraction(random, TFormat.FractionBits);
            default:
                return Next<TFormat>(random);
        }
    }

    /// <summary>The stored bits of a significand: few bits set, few bits clear, or any.</summary>
    public static ulong Fraction(Random random, int bits)
    {
        ulong mask = (1ul << bits) - 1;
        return random.Next(7) switch
        {
            0 => 0,
            1 => mask,
            2 => 1ul << random.Next(bits),
            3 => mask ^ (1ul << random.Next(bits)),
            4 => (mask << random.Next(bits)) & mask,
            5 => (ulong)random.Next(4),
            _ => (ulong)random.NextInt64() & mask,
        };
    }

    private static ulong Exponent(Random random, int field, int bias, int fractionBits) => random.Next(10) switch
    {
        0 => 0,
        1 => (ulong)field,
        2 => (ulong)random.Next(1, 4),
        3 => (ulong)(field - random.Next(1, 4)),
        4 or 5 => (ulong)(bias + random.Next(-3, 4)),
        6 or 7 => (ulong)Math.Clamp(bias + random.Next(-fractionBits - 15, fractionBits + 15), 0, field),
        _ => (ulong)random.Next(field + 1),
    };
}
