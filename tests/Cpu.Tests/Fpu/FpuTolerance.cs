// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using Iced.Intel;
using KvmActors.Cpu.Float;
using KvmActors.Cpu.Tests.Silicon;

namespace KvmActors.Cpu.Tests.Fpu;

/// <summary>What two implementations of a transcendental function may differ in: one unit in the last place, and
/// whether that was rounding up.</summary>
internal static class FpuTolerance
{
    private const ushort C1 = 1 << 9;
    private const ushort Inexact = 1 << 5;

    // FYL2XP1 takes arguments of up to 1 - sqrt(1/2) = 0.292…; this is 0.25.
    private const int SmallExponent = Float80.Bias - 2;

    /// <summary>False for arguments for which the manuals define no result; for a logarithm of a power of two, which is
    /// exact here and raises inexact there; and next to the smallest normal number, where a unit more or less decides
    /// about underflow.</summary>
    public static bool IsDefined(SiliconCase made)
    {
        Float80 argument = Place(made.FxState!, 0);
        return made.Instructions[0].Mnemonic switch
        {
            Mnemonic.F2xm1 => !argument.IsNumber || argument.Exponent < Float80.Bias,
            Mnemonic.Fyl2xp1 => argument.IsZero || (argument.IsNumber && argument.Exponent < SmallExponent)
                || argument.IsNaN || argument.IsUnsupported,
            Mnemonic.Fyl2x => (argument.Significand & (argument.Significand - 1)) != 0 || argument == Float80.One,
            _ => argument.Exponent > 1 || argument.Significand != Float80.IntegerBit,
        };
    }

    /// <summary>Makes what was found equal to what was expected where they may differ.</summary>
    public static void Forgive(byte[] expected, byte[] found)
    {
        ushort status = BinaryPrimitives.ReadUInt16LittleEndian(expected.AsSpan(FxStateImage.Status));
        if ((status & Inexact) == 0)
        {
            return;
        }

        ushort ours = BinaryPrimitives.ReadUInt16LittleEndian(found.AsSpan(FxStateImage.Status));
        BinaryPrimitives.WriteUInt16LittleEndian(
            found.AsSpan(FxStateImage.Status), (ushort)((ours & ~C1) | (status & C1)));
        for (int place = 0; place < 2; place++)
        {
            int at = FxStateImage.Stack + (place * FxStateImage.StackStride);
            UInt128 distance = Ordered(Place(expected, place)) - Ordered(Place(found, place));
            if (distance + 1 <= 2)
            {
                expected.AsSpan(at, 10).CopyTo(found.AsSpan(at, 10));
            }
        }
    }

    private static UInt128 Ordered(Float80 value) => ((UInt128)value.Top << 63) + (value.Significand & ~(1ul << 63));

    private static Float80 Place(byte[] image, int place)
    {
        ReadOnlySpan<byte> at = image.AsSpan(FxStateImage.Stack + (place * FxStateImage.StackStride));
        return new Float80(
            BinaryPrimitives.ReadUInt16LittleEndian(at[8..]), BinaryPrimitives.ReadUInt64LittleEndian(at));
    }
}
