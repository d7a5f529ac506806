// SPDX-License-Identifier: Apache-2.0

using System.Runtime.Intrinsics;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd.Kernels;

/// <summary>Packed integers made narrower or wider, and sums of neighbours.</summary>
internal static class PackedWidth
{
    private const int WordBits = 16;
    private const int DoublewordBits = 32;

    /// <summary>PACKSSWB.</summary>
    public static Bytes Pack16(Bytes low, Bytes high) =>
        Vector128.NarrowWithSaturation(low.AsInt16(), high.AsInt16()).AsByte();

    /// <summary>PACKSSDW.</summary>
    public static Bytes Pack32(Bytes low, Bytes high) =>
        Vector128.NarrowWithSaturation(low.AsInt32(), high.AsInt32()).AsByte();

    /// <summary>PACKUSWB.</summary>
    public static Bytes PackToUnsigned16(Bytes low, Bytes high) =>
        Vector128.Narrow(Clamp16(low).AsUInt16(), Clamp16(high).AsUInt16());

    /// <summary>PACKUSDW.</summary>
    public static Bytes PackToUnsigned32(Bytes low, Bytes high) =>
        Vector128.Narrow(Clamp32(low).AsUInt32(), Clamp32(high).AsUInt32()).AsByte();

    public static Bytes Signed8To16(Bytes value) => Vector128.WidenLower(value.AsSByte()).AsByte();

    public static Bytes Signed8To32(Bytes value) => Signed16To32(Signed8To16(value));

    public static Bytes Signed8To64(Bytes value) => Signed32To64(Signed8To32(value));

    public static Bytes Signed16To32(Bytes value) => Vector128.WidenLower(value.AsInt16()).AsByte();

    public static Bytes Signed16To64(Bytes value) => Signed32To64(Signed16To32(value));

    public static Bytes Signed32To64(Bytes value) => Vector128.WidenLower(value.AsInt32()).AsByte();

    public static Bytes Unsigned8To16(Bytes value) => Vector128.WidenLower(value).AsByte();

    public static Bytes Unsigned8To32(Bytes value) => Unsigned16To32(Unsigned8To16(value));

    public static Bytes Unsigned8To64(Bytes value) => Unsigned32To64(Unsigned8To32(value));

    public static Bytes Unsigned16To32(Bytes value) => Vector128.WidenLower(value.AsUInt16()).AsByte();

    public static Bytes Unsigned16To64(Bytes value) => Unsigned32To64(Unsigned16To32(value));

    public static Bytes Unsigned32To64(Bytes value) => Vector128.WidenLower(value.AsUInt32()).AsByte();

    /// <summary>PHADDW.</summary>
    public static Bytes AddNeighbours16(Bytes low, Bytes high) => (Even16(low, high) + Odd16(low, high)).AsByte();

    /// <summary>PHADDSW.</summary>
    public static Bytes AddNeighboursSaturated16(Bytes low, Bytes high) =>
        Vector128.AddSaturate(Even16(low, high), Odd16(low, high)).AsByte();

    /// <summary>PHADDD.</summary>
    public static Bytes AddNeighbours32(Bytes low, Bytes high) => (Even32(low, high) + Odd32(low, high)).AsByte();

    /// <summary>PHSUBW.</summary>
    public static Bytes SubtractNeighbours16(Bytes low, Bytes high) =>
        (Even16(low, high) - Odd16(low, high)).AsByte();

    /// <summary>PHSUBSW.</summary>
    public static Bytes SubtractNeighboursSaturated16(Bytes low, Bytes high) =>
        Vector128.SubtractSaturate(Even16(low, high), Odd16(low, high)).AsByte();

    /// <summary>PHSUBD.</summary>
    public static Bytes SubtractNeighbours32(Bytes low, Bytes high) =>
        (Even32(low, high) - Odd32(low, high)).AsByte();

    /// <summary>The doublewords with even numbers of two registers.</summary>
    public static Vector128<int> Even32(Bytes low, Bytes high) => Vector128.Narrow(low.AsInt64(), high.AsInt64());

    /// <summary>The doublewords with odd numbers of two registers.</summary>
    public static Vector128<int> Odd32(Bytes low, Bytes high) =>
        Vector128.Narrow(low.AsInt64() >> DoublewordBits, high.AsInt64() >> DoublewordBits);

    private static Vector128<short> Even16(Bytes low, Bytes high) => Vector128.Narrow(low.AsInt32(), high.AsInt32());

    private static Vector128<short> Odd16(Bytes low, Bytes high) =>
        Vector128.Narrow(low.AsInt32() >> WordBits, high.AsInt32() >> WordBits);

    private static Vector128<short> Clamp16(Bytes value) => Vector128.Max(
        Vector128.Min(value.AsInt16(), Vector128.Create((short)byte.MaxValue)), Vector128<short>.Zero);

    private static Vector128<int> Clamp32(Bytes value) => Vector128.Max(
        Vector128.Min(value.AsInt32(), Vector128.Create((int)ushort.MaxValue)), Vector128<int>.Zero);
}
