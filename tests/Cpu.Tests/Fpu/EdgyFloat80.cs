// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Float;
using KvmActors.Cpu.Tests.Float;

namespace KvmActors.Cpu.Tests.Fpu;

/// <summary>80-bit encodings of every kind, most of them near an edge or near each other.</summary>
internal static class EdgyFloat80
{
    public static Float80 Next(Random random)
    {
        ushort sign = (ushort)(random.Next(2) << 15);
        ulong fraction = EdgyFloat.Fraction(random, 63);
        ulong significand = fraction | Float80.IntegerBit;
        switch (random.Next(20))
        {
            case 0:
                return new Float80(sign, 0);
            case 1:
                return new Float80(sign, fraction); // denormal
            case 2:
                return new Float80(sign, significand); // pseudo-denormal
            case 3:
                return new Float80((ushort)(sign | random.Next(1, 0x8000)), fraction); // unnormal and the like
            case 4:
                return new Float80((ushort)(sign | 0x7FFF), Float80.IntegerBit);
            case 5:
                return new Float80((ushort)(sign | 0x7FFF), significand); // NaN
            case 6:
                return new Float80((ushort)(sign | random.Next(1, 70)), significand);
            case 7:
                return new Float80((ushort)(sign | (0x7FFE - random.Next(70))), significand);
            case 8:
                return new Float80((ushort)(sign | random.Next(1, 0x7FFF)), significand);
            case 9:
                return Float80Conversion.FromInteger(random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64));
            case 10:
                return Near(random, sign, Float80.Bias + (random.Next(2) == 0 ? 1023 : -1022), significand);
            case 11:
                return Near(random, sign, Float80.Bias + (random.Next(2) == 0 ? 127 : -126), significand);
            case 12:
                return Halfway(random, sign);
            default:
                return Near(random, sign, Float80.Bias, significand);
        }
    }

    /// <summary>Eight registers; some are like the first, so that exponents and values meet.</summary>
    public static Float80[] Stack(Random random)
    {
        var stack = new Float80[8];
        stack[0] = Next(random);
        for (int place = 1; place < 8; place++)
        {
            Float80 like = stack[random.Next(place)];
            stack[place] = random.Next(5) switch
            {
                0 => new Float80(
                    (ushort)((like.Top + random.Next(-70, 70)) & 0x7FFF | (random.Next(2) << 15)),
                    EdgyFloat.Fraction(random, 63) | Float80.IntegerBit),
                1 => like with { Significand = like.Significand ^ (ulong)random.Next(3) },
                _ => Next(random),
            };
        }

        return stack;
    }

    private static Float80 Near(Random random, ushort sign, int exponent, ulong significand) =>
        new((ushort)(sign | (exponent + random.Next(-66, 67))), significand);

    /// <summary>Half an integer, or next to it.</summary>
    private static Float80 Halfway(Random random, ushort sign)
    {
        int bits = random.Next(1, 63);
        ulong half = ((ulong)random.NextInt64() | Float80.IntegerBit) >> (63 - bits) << (63 - bits);
        half |= 1ul << (62 - bits);
        return new Float80((ushort)(sign | (Float80.Bias + bits)), half + (ulong)random.Next(-1, 2));
    }
}
