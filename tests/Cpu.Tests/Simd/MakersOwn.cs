// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using Iced.Intel;
using KvmActors.Cpu.Float;
using KvmActors.Cpu.Tests.Silicon;

namespace KvmActors.Cpu.Tests.Simd;

/// <summary>What each maker does its own way: which of several NaNs DPPS and DPPD give, where ours is the manual's
/// pseudo-code, and how near RCP and RSQRT come.</summary>
internal static class MakersOwn
{
    private const int XmmBytes = 256;

    // Each of the two is within 1.5 * 2^-12 of the true value.
    private const double FarthestApart = 3.1 / 4096;
    private const uint SmallestNormal = 1u << 23;
    private const uint Sign = 1u << 31;

    /// <summary>Makes equal in both images the elements that differ in nothing but this.</summary>
    public static void Unify(SiliconCase made, byte[] expected, byte[] found)
    {
        Mnemonic mnemonic = made.Instructions[0].Mnemonic;
        bool isApproximate = mnemonic
            is Mnemonic.Rcpps or Mnemonic.Rcpss or Mnemonic.Rsqrtps or Mnemonic.Rsqrtss;
        int elementBytes = mnemonic switch
        {
            _ when isApproximate => sizeof(float),
            Mnemonic.Dpps => sizeof(float),
            Mnemonic.Dppd => sizeof(double),
            _ => 0,
        };
        for (int at = FxStateImage.Xmm; elementBytes != 0 && at < FxStateImage.Xmm + XmmBytes; at += elementBytes)
        {
            Span<byte> first = expected.AsSpan(at, elementBytes);
            Span<byte> second = found.AsSpan(at, elementBytes);
            if (isApproximate ? AreNear(Single(first), Single(second)) : IsNaN(first) && IsNaN(second))
            {
                first.CopyTo(second);
            }
        }
    }

    /// <summary>Numbers near each other; at the end of the range also the smallest number and 0.</summary>
    private static bool AreNear(uint first, uint second)
    {
        double difference = BitConverter.UInt32BitsToSingle(first) - (double)BitConverter.UInt32BitsToSingle(second);
        double magnitude = Math.Abs((double)BitConverter.UInt32BitsToSingle(first));
        bool isTiny = ((first ^ second) & Sign) == 0
            && (first & ~Sign) is 0 or SmallestNormal
            && (second & ~Sign) is 0 or SmallestNormal;
        return isTiny || Math.Abs(difference) < magnitude * FarthestApart;
    }

    private static uint Single(ReadOnlySpan<byte> element) => BinaryPrimitives.ReadUInt32LittleEndian(element);

    private static bool IsNaN(ReadOnlySpan<byte> element) => element.Length == sizeof(float)
        ? FloatLayout<SingleFormat>.IsNaN(Single(element))
        : FloatLayout<DoubleFormat>.IsNaN(BinaryPrimitives.ReadUInt64LittleEndian(element));
}
