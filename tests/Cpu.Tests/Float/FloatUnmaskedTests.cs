// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Float;
using Xunit;

namespace KvmActors.Cpu.Tests.Float;

/// <summary>Exceptions that are not masked, which cannot be had from the host without a signal.</summary>
/// <remarks>Source: Intel SDM vol. 1, sections 4.9.1 and 11.5.2.</remarks>
public sealed class FloatUnmaskedTests
{
    private const uint One = 0x3F80_0000;
    private const uint SmallestNormal = 0x0080_0000;
    private const uint Denormal = 0x0000_1000;

    private static FloatContext Unmasked(FloatFlags unmasked) => new() { Masked = FloatFlags.All & ~unmasked };

    [Fact]
    public void An_exact_tiny_result_underflows_only_where_underflow_is_not_masked()
    {
        FloatContext masked = Unmasked(FloatFlags.Denormal);
        FloatContext unmasked = Unmasked(FloatFlags.Underflow);
        const uint Half = 0x3F00_0000;

        Float32.Multiply(SmallestNormal, Half, ref masked);
        Float32.Multiply(SmallestNormal, Half, ref unmasked);

        Assert.Equal(FloatFlags.None, masked.Flags);
        Assert.Equal(FloatFlags.Underflow, unmasked.Flags);
    }

    [Fact]
    public void Flush_to_zero_does_nothing_where_underflow_is_not_masked()
    {
        FloatContext context = Unmasked(FloatFlags.Underflow);
        context.FlushToZero = true;

        Float32.Multiply(SmallestNormal, 0x3F00_0000, ref context);

        Assert.Equal(FloatFlags.Underflow, context.Flags);
    }

    [Fact]
    public void An_unmasked_denormal_operand_ends_the_operation_before_it_rounds()
    {
        FloatContext context = Unmasked(FloatFlags.Denormal);

        Float32.Add(Denormal, One, ref context);

        Assert.Equal(FloatFlags.Denormal, context.Flags);
        Assert.True(context.Stops);
    }

    [Fact]
    public void An_unmasked_overflow_is_inexact_too()
    {
        FloatContext context = Unmasked(FloatFlags.Overflow);

        Float32.Multiply(0x7F7F_FFFF, 0x7F7F_FFFF, ref context);

        Assert.Equal(FloatFlags.Overflow | FloatFlags.Inexact, context.Flags);
        Assert.False(context.Stops);
    }
}
