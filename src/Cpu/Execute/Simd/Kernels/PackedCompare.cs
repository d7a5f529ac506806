// SPDX-License-Identifier: Apache-2.0

using System.Runtime.Intrinsics;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd.Kernels;

/// <summary>Comparisons of packed integers, which give all ones or zeros, minima and maxima; and the bitwise
/// operations.</summary>
internal static class PackedCompare
{
    public static Bytes Equal8(Bytes left, Bytes right) =>
        Vector128.Equals(left.AsSByte(), right.AsSByte()).AsByte();

    public static Bytes Equal16(Bytes left, Bytes right) =>
        Vector128.Equals(left.AsInt16(), right.AsInt16()).AsByte();

    public static Bytes Equal32(Bytes left, Bytes right) =>
        Vector128.Equals(left.AsInt32(), right.AsInt32()).AsByte();

    public static Bytes Equal64(Bytes left, Bytes right) =>
        Vector128.Equals(left.AsInt64(), right.AsInt64()).AsByte();

    public static Bytes Greater8(Bytes left, Bytes right) =>
        Vector128.GreaterThan(left.AsSByte(), right.AsSByte()).AsByte();

    public static Bytes Greater16(Bytes left, Bytes right) =>
        Vector128.GreaterThan(left.AsInt16(), right.AsInt16()).AsByte();

    public static Bytes Greater32(Bytes left, Bytes right) =>
        Vector128.GreaterThan(left.AsInt32(), right.AsInt32()).AsByte();

    public static Bytes Greater64(Bytes left, Bytes right) =>
        Vector128.GreaterThan(left.AsInt64(), right.AsInt64()).AsByte();

    public static Bytes Minimum8(Bytes left, Bytes right) =>
        Vector128.Min(left.AsSByte(), right.AsSByte()).AsByte();

    public static Bytes MinimumUnsigned8(Bytes left, Bytes right) => Vector128.Min(left, right);

    public static Bytes Minimum16(Bytes left, Bytes right) =>
        Vector128.Min(left.AsInt16(), right.AsInt16()).AsByte();

    public static Bytes MinimumUnsigned16(Bytes left, Bytes right) =>
        Vector128.Min(left.AsUInt16(), right.AsUInt16()).AsByte();

    public static Bytes Minimum32(Bytes left, Bytes right) =>
        Vector128.Min(left.AsInt32(), right.AsInt32()).AsByte();

    public static Bytes MinimumUnsigned32(Bytes left, Bytes right) =>
        Vector128.Min(left.AsUInt32(), right.AsUInt32()).AsByte();

    public static Bytes Maximum8(Bytes left, Bytes right) =>
        Vector128.Max(left.AsSByte(), right.AsSByte()).AsByte();

    public static Bytes MaximumUnsigned8(Bytes left, Bytes right) => Vector128.Max(left, right);

    public static Bytes Maximum16(Bytes left, Bytes right) =>
        Vector128.Max(left.AsInt16(), right.AsInt16()).AsByte();

    public static Bytes MaximumUnsigned16(Bytes left, Bytes right) =>
        Vector128.Max(left.AsUInt16(), right.AsUInt16()).AsByte();

    public static Bytes Maximum32(Bytes left, Bytes right) =>
        Vector128.Max(left.AsInt32(), right.AsInt32()).AsByte();

    public static Bytes MaximumUnsigned32(Bytes left, Bytes right) =>
        Vector128.Max(left.AsUInt32(), right.AsUInt32()).AsByte();

    public static Bytes And(Bytes left, Bytes right) => left & right;

    /// <summary>The complement of the first, and the second.</summary>
    public static Bytes AndNot(Bytes left, Bytes right) => Vector128.AndNot(right, left);

    public static Bytes Or(Bytes left, Bytes right) => left | right;

    public static Bytes Xor(Bytes left, Bytes right) => left ^ right;
}
