// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Execute.Simd.Kernels;
using Xunit;

namespace KvmActors.Cpu.Tests.Simd;

/// <summary>RCP and RSQRT, which are the engine's own on every host.</summary>
public sealed class ApproximationTests
{
    private const double Allowed = 1.5 / 4096;
    private const int Exponents = 254;

    [Fact]
    public void Reciprocals_are_as_near_as_the_manual_promises()
    {
        for (uint fraction = 0; fraction < 1u << 23; fraction += 7)
        {
            uint x = ((1 + (fraction % 252)) << 23) | fraction;
            AssertNear(1 / Value(x), Approximation.Reciprocal(x), x);
        }
    }

    [Fact]
    public void Root_reciprocals_are_as_near_as_the_manual_promises()
    {
        for (uint fraction = 0; fraction < 1u << 23; fraction += 7)
        {
            uint x = ((1 + (fraction % Exponents)) << 23) | fraction;
            AssertNear(1 / Math.Sqrt(Value(x)), Approximation.RootReciprocal(x), x);
        }
    }

    /// <summary>Known values: a change here changes what guests compute, and replay with it.</summary>
    [Theory]
    [InlineData(0x3F80_0000, 0x3F80_0000, 0x3F80_0000)]
    [InlineData(0x4040_0000, 0x3EAA_A800, 0x3F13_D000)]
    [InlineData(0x7E80_0000, 0x0080_0000, 0x2000_0000)]
    [InlineData(0x7E80_1000, 0x0000_0000, 0x1FFF_F000)]
    [InlineData(0x0000_0001, 0x7F80_0000, 0x7F80_0000)]
    [InlineData(0x8000_0000, 0xFF80_0000, 0xFF80_0000)]
    [InlineData(0xBF80_0000, 0xBF80_0000, 0xFFC0_0000)]
    [InlineData(0x7F80_0000, 0x0000_0000, 0x0000_0000)]
    [InlineData(0xFF80_0000, 0x8000_0000, 0xFFC0_0000)]
    [InlineData(0x7F80_0001, 0x7FC0_0001, 0x7FC0_0001)]
    public void They_are_what_the_documentation_defines(uint x, uint reciprocal, uint rootReciprocal)
    {
        Assert.Equal(reciprocal, Approximation.Reciprocal(x));
        Assert.Equal(rootReciprocal, Approximation.RootReciprocal(x));
    }

    private static double Value(uint x) => BitConverter.UInt32BitsToSingle(x);

    private static void AssertNear(double exact, uint found, uint x) => Assert.True(
        Math.Abs(Value(found) - exact) < exact * Allowed, $"{x:x}: {found:x} is not near {exact:g9}.");
}
