// SPDX-License-Identifier: Apache-2.0

using System.Runtime.Intrinsics;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd.Kernels;

/// <summary>Sums, differences, averages, magnitudes and signs of packed integers.</summary>
internal static class PackedSum
{
    public static Bytes Add8(Bytes left, Bytes right) => left + right;

    public static Bytes Add16(Bytes left, Bytes right) => (left.AsInt16() + right.AsInt16()).AsByte();

    public static Bytes Add32(Bytes left, Bytes right) => (left.AsInt32() + right.AsInt32()).AsByte();

    public static Bytes Add64(Bytes left, Bytes right) => (left.AsInt64() + right.AsInt64()).AsByte();

    public static Bytes Subtract8(Bytes left, Bytes right) => left - right;

    public static Bytes Subtract16(Bytes left, Bytes right) => (left.AsInt16() - right.AsInt16()).AsByte();

    public static Bytes Subtract32(Bytes left, Bytes right) => (left.AsInt32() - right.AsInt32()).AsByte();

    public static Bytes Subtract64(Bytes left, Bytes right) => (left.AsInt64() - right.AsInt64()).AsByte();

    public static Bytes AddSaturated8(Bytes left, Bytes right) =>
        Vector128.AddSaturate(left.AsSByte(), right.AsSByte()).AsByte();

    public static Bytes AddSaturated16(Bytes left, Bytes right) =>
        Vector128.AddSaturate(left.AsInt16(), right.AsInt16()).AsByte();

    public static Bytes AddSaturatedUnsigned8(Bytes left, Bytes right) => Vector128.AddSaturate(left, right);

    public static Bytes AddSaturatedUnsigned16(Bytes left, Bytes right) =>
        Vector128.AddSaturate(left.AsUInt16(), right.AsUInt16()).AsByte();

    public static Bytes SubtractSaturated8(Bytes left, Bytes right) =>
        Vector128.SubtractSaturate(left.AsSByte(), right.AsSByte()).AsByte();

    public static Bytes SubtractSaturated16(Bytes left, Bytes right) =>
        Vector128.SubtractSaturate(left.AsInt16(), right.AsInt16()).AsByte();

    public static Bytes SubtractSaturatedUnsigned8(Bytes left, Bytes right) =>
        Vector128.SubtractSaturate(left, right);

    public static Bytes SubtractSaturatedUnsigned16(Bytes left, Bytes right) =>
        Vector128.SubtractSaturate(left.AsUInt16(), right.AsUInt16()).AsByte();

    /// <summary>(a + b + 1) / 2 without the carry: a | b is what a + b has in common, and half of what differs, more.
    /// </summary>
    public static Bytes Average8(Bytes left, Bytes right) =>
        (left | right) - Vector128.ShiftRightLogical(left ^ right, 1);

    public static Bytes Average16(Bytes left, Bytes right)
    {
        Vector128<ushort> different = (left ^ right).AsUInt16();
        return ((left | right).AsUInt16() - Vector128.ShiftRightLogical(different, 1)).AsByte();
    }

    public static Bytes Magnitude8(Bytes value) => Negate8(value, PackedCompare.Greater8(Bytes.Zero, value));

    public static Bytes Magnitude16(Bytes value) => Negate16(value, PackedCompare.Greater16(Bytes.Zero, value));

    public static Bytes Magnitude32(Bytes value) => Negate32(value, PackedCompare.Greater32(Bytes.Zero, value));

    public static Bytes Sign8(Bytes value, Bytes sign) => Vector128.AndNot(
        Negate8(value, PackedCompare.Greater8(Bytes.Zero, sign)), PackedCompare.Equal8(sign, Bytes.Zero));

    public static Bytes Sign16(Bytes value, Bytes sign) => Vector128.AndNot(
        Negate16(value, PackedCompare.Greater16(Bytes.Zero, sign)), PackedCompare.Equal16(sign, Bytes.Zero));

    public static Bytes Sign32(Bytes value, Bytes sign) => Vector128.AndNot(
        Negate32(value, PackedCompare.Greater32(Bytes.Zero, sign)), PackedCompare.Equal32(sign, Bytes.Zero));

    /// <summary>The value, negated where the mask is all ones: complement, and subtract -1.</summary>
    private static Bytes Negate8(Bytes value, Bytes mask) => Subtract8(value ^ mask, mask);

    private static Bytes Negate16(Bytes value, Bytes mask) => Subtract16(value ^ mask, mask);

    private static Bytes Negate32(Bytes value, Bytes mask) => Subtract32(value ^ mask, mask);
}
