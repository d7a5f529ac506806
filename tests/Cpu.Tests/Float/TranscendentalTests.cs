// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Float;
using KvmActors.Cpu.Float.Transcendental;
using KvmActors.Cpu.Tests.Fpu;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Cpu.Tests.Float;

/// <summary>The transcendental functions against values computed elsewhere with 400 bits, and against
/// themselves.</summary>
/// <remarks>KVMACTORS_SEED repeats a run.</remarks>
public sealed class TranscendentalTests(ITestOutputHelper output)
{
    private const int Cases = 2000;
    private static readonly Float80 s_one = Float80.One;
    private static readonly Float80 s_oneAndAHalf = new(0x3FFF, 0xC000_0000_0000_0000);
    private static readonly Float80 s_three = new(0x4000, 0xC000_0000_0000_0000);

    private delegate Float80 Function(Float80 first, Float80 second, ref FloatContext context);

    private static readonly (string Name, Function Function)[] s_functions =
    [
        ("sin", (a, _, ref context) => Float80Functions.Sine(a, ref context)),
        ("cos", (a, _, ref context) => Float80Functions.Cosine(a, ref context)),
        ("tan", (a, _, ref context) => Float80Functions.Tangent(a, ref context)),
        ("2^x-1", (a, _, ref context) => Float80Functions.PowerMinusOne(a, ref context)),
        ("angle", Float80Functions.Angle),
        ("y log2(x)", Float80Functions.Logarithmic),
        ("y log2(x+1)", Float80Functions.LogarithmicOfOnePlus),
    ];

    [Fact]
    public void Known_values_are_rounded_to_the_nearest()
    {
        AssertIs(0x3FFE, 0xD76A_A478_4867_7021, "sin", s_one);
        AssertIs(0x3FFE, 0x8A51_407D_A834_5C92, "cos", s_one);
        AssertIs(0x3FFF, 0xC759_22E5_F71D_2DC5, "tan", s_one);
        AssertIs(0x3FFE, 0xFF5B_D4D9_636C_56F3, "sin", s_oneAndAHalf);
        AssertIs(0x3FFD, 0xD413_CCCF_E779_9211, "2^x-1", new Float80(0x3FFE, 0x8000_0000_0000_0000));
        AssertIs(0xBFFD, 0xCF90_1F5C_E48E_AD21, "2^x-1", new Float80(0xBFFE, 0xC000_0000_0000_0000));
        AssertIs(0x4000, 0xD49A_784B_CD1B_8AFE, "y log2(x)", s_one, new Float80(0x4002, 0xA000_0000_0000_0000));
        AssertIs(0x4001, 0xDEE7_B471_B3A9_507D, "y log2(x)", s_three, new Float80(0x4001, 0xA000_0000_0000_0000));
        AssertIs(0x3FFC, 0xAE00_D1CF_DEB4_3CFD, "y log2(x+1)", s_one, new Float80(0x3FFC, 0x8000_0000_0000_0000));
        AssertIs(0x3FFD, 0xA4BC_7D19_34F7_0924, "angle", s_one, s_three);
        AssertIs(0x4000, 0xB478_4AFE_FAC9_E110, "angle", s_one, s_three.Negated());
        AssertIs(0xBFFF, 0xF23E_F9E8_6EA6_847E, "angle", s_three.Negated(), s_one.Negated());
        AssertIs(0x3FFE, 0xC90F_DAA2_2168_C235, "angle", s_one, s_one);
        AssertIs(0x4000, 0x96CB_E3F9_990E_91A8, "angle", Float80.Infinity(false), Float80.Infinity(true));
    }

    [Fact]
    public void Powers_of_two_have_exact_logarithms_and_the_ends_of_F2XM1_exact_powers()
    {
        var context = FloatContext.FromControlWord(0x37F);

        Float80 three = Float80Functions.Logarithmic(s_one, Float80Conversion.FromInteger(8), ref context);
        Float80 one = Float80Functions.PowerMinusOne(s_one, ref context);
        Float80 minusHalf = Float80Functions.PowerMinusOne(s_one.Negated(), ref context);

        Assert.Equal((s_three, s_one, new Float80(0xBFFE, Float80.IntegerBit)), (three, one, minusHalf));
        Assert.Equal(FloatFlags.None, context.Flags);
    }

    [Fact]
    public void Down_and_up_are_neighbours_and_the_nearest_is_one_of_them()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("KVMACTORS_SEED"), out int given)
            ? given
            : Environment.TickCount;
        output.WriteLine($"KVMACTORS_SEED={seed}");
        Random random = new(seed);
        foreach ((string name, Function function) in s_functions)
        {
            for (int index = 0; index < Cases; index++)
            {
                Float80[] operands = EdgyFloat80.Stack(random);
                (Float80 nearest, FloatFlags flags) = Rounded(function, operands, FloatRounding.Nearest);
                bool isDecided = (flags & FloatFlags.Inexact) == 0 || (flags & FloatFlags.Overflow) != 0
                    || Float80Functions.IsOutOfRange(operands[0]);
                if (isDecided)
                {
                    continue;
                }

                Float80 down = Rounded(function, operands, FloatRounding.Down).Value;
                Float80 up = Rounded(function, operands, FloatRounding.Up).Value;
                Float80 cut = Rounded(function, operands, FloatRounding.Zero).Value;
                bool isNeighbour = Ordered(up) - Ordered(down) == 1;
                Assert.True(
                    isNeighbour && (nearest == down || nearest == up) && cut == (cut.IsNegative ? up : down),
                    $"KVMACTORS_SEED={seed}: {name} of {operands[0]}, {operands[1]}: {down}, {nearest}, {up}");
            }
        }
    }

    private static (Float80 Value, FloatFlags Flags) Rounded(
        Function function, Float80[] operands, FloatRounding rounding)
    {
        FloatContext context = new() { Masked = FloatFlags.All, PrecisionBits = 64, Rounding = rounding };
        Float80 value = function(operands[0], operands[1], ref context);
        return (value, context.Flags);
    }

    private static Int128 Ordered(Float80 value)
    {
        Int128 magnitude = ((Int128)value.Exponent << 63) + (Int128)(value.Significand & ~Float80.IntegerBit);
        return value.IsNegative ? -magnitude : magnitude;
    }

    private static void AssertIs(ushort top, ulong significand, string name, Float80 a, Float80 b = default)
    {
        Function function = s_functions.Single(candidate => candidate.Name == name).Function;
        (Float80 value, FloatFlags flags) = Rounded(function, [a, b], FloatRounding.Nearest);
        Assert.Equal((new Float80(top, significand), FloatFlags.Inexact), (value, flags));
    }
}
