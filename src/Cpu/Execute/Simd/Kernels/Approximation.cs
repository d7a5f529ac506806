// SPDX-License-Identifier: Apache-2.0

using System.Runtime.Intrinsics;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd.Kernels;

/// <summary>RCP and RSQRT, which the manuals leave to each processor: ours are the true values rounded to a significand
/// of 13 bits, the same on every host.</summary>
/// <remarks>The relative error is below 2^-12.9, where 1.5 * 2^-12 is allowed. Denormals count as zeros, tiny results
/// become zeros, and no exception is raised. Source: Intel SDM vol. 2B, "RCPPS", "RSQRTPS". docs/instructions.md has
/// the
/// definition.</remarks>
internal static class Approximation
{
    private const int FractionBits = 23;
    private const int KeptBits = 12;
    private const int Bias = 127;
    private const uint Sign = 1u << 31;
    private const uint Infinity = 0x7F80_0000;
    private const uint QuietBit = 1u << 22;
    private const uint DefaultNaN = 0xFFC0_0000;

    public static Bytes Reciprocals(Bytes source)
    {
        Vector128<uint> result = default;
        for (int element = 0; element < Vector128<uint>.Count; element++)
        {
            result = result.WithElement(element, Reciprocal(source.AsUInt32()[element]));
        }

        return result.AsByte();
    }

    public static Bytes LowReciprocal(Bytes destination, Bytes source) =>
        destination.AsUInt32().WithElement(0, Reciprocal(source.AsUInt32().ToScalar())).AsByte();

    public static Bytes RootReciprocals(Bytes source)
    {
        Vector128<uint> result = default;
        for (int element = 0; element < Vector128<uint>.Count; element++)
        {
            result = result.WithElement(element, RootReciprocal(source.AsUInt32()[element]));
        }

        return result.AsByte();
    }

    public static Bytes LowRootReciprocal(Bytes destination, Bytes source) =>
        destination.AsUInt32().WithElement(0, RootReciprocal(source.AsUInt32().ToScalar())).AsByte();

    /// <summary>1 / x.</summary>
    public static uint Reciprocal(uint x)
    {
        uint sign = x & Sign;
        uint magnitude = x & ~Sign;
        if (magnitude >= Infinity)
        {
            return magnitude == Infinity ? sign : x | QuietBit;
        }

        int exponent = (int)(magnitude >> FractionBits) - Bias;
        if (exponent == -Bias)
        {
            return sign | Infinity;
        }

        // 2^48 / significand is in (2^24, 2^25]: 12 bits less are in [2^12, 2^13].
        uint quotient = (uint)((1ul << 48) / Significand(magnitude));
        uint kept = (quotient + (1u << 11)) >> 12;
        return sign | Assemble(kept, -1 - exponent);
    }

    /// <summary>1 / sqrt(x).</summary>
    public static uint RootReciprocal(uint x)
    {
        uint magnitude = x & ~Sign;
        if (magnitude > Infinity)
        {
            return x | QuietBit;
        }

        int exponent = (int)(magnitude >> FractionBits) - Bias;
        if (exponent == -Bias)
        {
            return (x & Sign) | Infinity;
        }

        if (x == Infinity)
        {
            return 0;
        }

        if ((x & Sign) != 0)
        {
            return DefaultNaN;
        }

        // With an even exponent the significand is in [2^23, 2^25), 2^63 / significand in (2^38, 2^40], its root in
        // [2^19, 2^20]: 7 bits less are in [2^12, 2^13].
        ulong significand = (ulong)Significand(magnitude) << (exponent & 1);
        uint kept = (Root((1ul << 63) / significand) + (1u << 6)) >> 7;
        return Assemble(kept, -1 - (exponent >> 1));
    }

    private static uint Significand(uint magnitude) =>
        (magnitude & ((1u << FractionBits) - 1)) | (1u << FractionBits);

    /// <summary>A number whose significand has 12 bits behind the point; 0 if it is tiny.</summary>
    private static uint Assemble(uint kept, int exponent)
    {
        if (kept == 1u << (KeptBits + 1))
        {
            kept >>= 1;
            exponent++;
        }

        uint fraction = (kept & ((1u << KeptBits) - 1)) << (FractionBits - KeptBits);
        return exponent <= -Bias ? 0 : ((uint)(exponent + Bias) << FractionBits) | fraction;
    }

    /// <summary>The integer part of the square root, bit by bit.</summary>
    private static uint Root(ulong square)
    {
        ulong root = 0;
        for (ulong bit = 1ul << 20; bit != 0; bit >>= 1)
        {
            ulong tried = root | bit;
            root = tried * tried <= square ? tried : root;
        }

        return (uint)root;
    }
}
