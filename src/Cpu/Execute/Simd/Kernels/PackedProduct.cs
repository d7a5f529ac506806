// SPDX-License-Identifier: Apache-2.0

using System.Runtime.Intrinsics;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd.Kernels;

/// <summary>Products of packed integers.</summary>
internal static class PackedProduct
{
    private const int WordBits = 16;
    private const int DoublewordBits = 32;

    /// <summary>PMULLW.</summary>
    public static Bytes Low16(Bytes left, Bytes right) => (left.AsInt16() * right.AsInt16()).AsByte();

    /// <summary>PMULLD.</summary>
    public static Bytes Low32(Bytes left, Bytes right) => (left.AsInt32() * right.AsInt32()).AsByte();

    /// <summary>PMULHW.</summary>
    public static Bytes High16(Bytes left, Bytes right)
    {
        (Vector128<int> low, Vector128<int> high) = Products(left, right);
        return Vector128.Narrow(low >> WordBits, high >> WordBits).AsByte();
    }

    /// <summary>PMULHUW.</summary>
    public static Bytes HighUnsigned16(Bytes left, Bytes right)
    {
        Vector128<uint> low =
            Vector128.WidenLower(left.AsUInt16()) * Vector128.WidenLower(right.AsUInt16());
        Vector128<uint> high =
            Vector128.WidenUpper(left.AsUInt16()) * Vector128.WidenUpper(right.AsUInt16());
        return Vector128.Narrow(low >> WordBits, high >> WordBits).AsByte();
    }

    /// <summary>PMULHRSW: bits 30:15 of the products, rounded.</summary>
    public static Bytes HighRounded16(Bytes left, Bytes right)
    {
        (Vector128<int> low, Vector128<int> high) = Products(left, right);
        return Vector128.Narrow(Rounded(low), Rounded(high)).AsByte();
    }

    /// <summary>PMULUDQ: of the even doublewords.</summary>
    public static Bytes WideUnsigned32(Bytes left, Bytes right)
    {
        var mask = Vector128.Create((ulong)uint.MaxValue);
        return ((left.AsUInt64() & mask) * (right.AsUInt64() & mask)).AsByte();
    }

    /// <summary>PMULDQ: of the even doublewords.</summary>
    public static Bytes Wide32(Bytes left, Bytes right)
    {
        Vector128<long> first = (left.AsInt64() << DoublewordBits) >> DoublewordBits;
        Vector128<long> second = (right.AsInt64() << DoublewordBits) >> DoublewordBits;
        return (first * second).AsByte();
    }

    /// <summary>PMADDWD: sums of neighbouring products.</summary>
    public static Bytes AddPairs16(Bytes left, Bytes right)
    {
        Vector128<int> even = ((left.AsInt32() << WordBits) >> WordBits) * ((right.AsInt32() << WordBits) >> WordBits);
        Vector128<int> odd = (left.AsInt32() >> WordBits) * (right.AsInt32() >> WordBits);
        return (even + odd).AsByte();
    }

    /// <summary>PMADDUBSW: saturated sums of neighbouring products of unsigned bytes with signed ones.</summary>
    public static Bytes AddPairs8(Bytes left, Bytes right)
    {
        const int ByteBits = 8;
        Vector128<short> even = (left.AsInt16() & Vector128.Create((short)byte.MaxValue))
            * ((right.AsInt16() << ByteBits) >> ByteBits);
        Vector128<short> odd = (left.AsUInt16() >> ByteBits).AsInt16() * (right.AsInt16() >> ByteBits);
        return Vector128.AddSaturate(even, odd).AsByte();
    }

    private static (Vector128<int> Low, Vector128<int> High) Products(Bytes left, Bytes right) => (
        Vector128.WidenLower(left.AsInt16()) * Vector128.WidenLower(right.AsInt16()),
        Vector128.WidenUpper(left.AsInt16()) * Vector128.WidenUpper(right.AsInt16()));

    private static Vector128<int> Rounded(Vector128<int> products) =>
        ((products >> (WordBits - 2)) + Vector128<int>.One) >> 1;
}
