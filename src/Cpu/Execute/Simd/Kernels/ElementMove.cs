// SPDX-License-Identifier: Apache-2.0

using System.Runtime.Intrinsics;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd.Kernels;

/// <summary>Single elements in and out of a register.</summary>
internal static class ElementMove
{
    public static Bytes Whole(Bytes source) => source;

    public static Bytes Upper64(Bytes source) => Vector128.Create(source.GetUpper(), source.GetUpper());

    /// <summary>MOVQ between registers: the low half, zero-extended.</summary>
    public static Bytes Low64(Bytes source) => Vector128.CreateScalar(source.AsUInt64().ToScalar()).AsByte();

    /// <summary>MOVSS between registers.</summary>
    public static Bytes MergeLow32(Bytes destination, Bytes source) =>
        destination.AsUInt32().WithElement(0, source.AsUInt32().ToScalar()).AsByte();

    /// <summary>MOVSD between registers; MOVLPS and MOVLPD from memory.</summary>
    public static Bytes MergeLow64(Bytes destination, Bytes source) =>
        Vector128.Create(source.GetLower(), destination.GetUpper());

    /// <summary>MOVHPS and MOVHPD from memory; MOVLHPS.</summary>
    public static Bytes MergeHigh64(Bytes destination, Bytes source) =>
        Vector128.Create(destination.GetLower(), source.GetLower());

    /// <summary>MOVHLPS.</summary>
    public static Bytes MergeLowFromHigh64(Bytes destination, Bytes source) =>
        Vector128.Create(source.GetUpper(), destination.GetUpper());

    /// <summary>MOVD: a doubleword, zero-extended.</summary>
    public static Bytes Replace32(Bytes destination, ulong value, byte place) =>
        Vector128.CreateScalar((ulong)(uint)value).AsByte();

    /// <summary>MOVQ: a quadword, zero-extended.</summary>
    public static Bytes Replace64(Bytes destination, ulong value, byte place) =>
        Vector128.CreateScalar(value).AsByte();

    public static Bytes Insert8(Bytes destination, ulong value, byte place) =>
        destination.WithElement(place & 15, (byte)value);

    public static Bytes Insert16(Bytes destination, ulong value, byte place) =>
        destination.AsUInt16().WithElement(place & 7, (ushort)value).AsByte();

    public static Bytes InsertMmx16(Bytes destination, ulong value, byte place) =>
        destination.AsUInt16().WithElement(place & 3, (ushort)value).AsByte();

    public static Bytes Insert32(Bytes destination, ulong value, byte place) =>
        destination.AsUInt32().WithElement(place & 3, (uint)value).AsByte();

    public static Bytes Insert64(Bytes destination, ulong value, byte place) =>
        destination.AsUInt64().WithElement(place & 1, value).AsByte();

    public static ulong Extract8(Bytes source, byte place) => source[place & 15];

    public static ulong Extract16(Bytes source, byte place) => source.AsUInt16()[place & 7];

    public static ulong ExtractMmx16(Bytes source, byte place) => source.AsUInt16()[place & 3];

    public static ulong Extract32(Bytes source, byte place) => source.AsUInt32()[place & 3];

    public static ulong Extract64(Bytes source, byte place) => source.AsUInt64()[place & 1];

    /// <summary>MOVD to a general register or memory.</summary>
    public static ulong First32(Bytes source, byte unused) => source.AsUInt32().ToScalar();

    /// <summary>MOVQ to a general register or memory.</summary>
    public static ulong First64(Bytes source, byte unused) => source.AsUInt64().ToScalar();

    /// <summary>PMOVMSKB.</summary>
    public static ulong Signs8(Bytes source, byte unused) => source.ExtractMostSignificantBits();

    /// <summary>MOVMSKPS.</summary>
    public static ulong Signs32(Bytes source, byte unused) => source.AsUInt32().ExtractMostSignificantBits();

    /// <summary>MOVMSKPD.</summary>
    public static ulong Signs64(Bytes source, byte unused) => source.AsUInt64().ExtractMostSignificantBits();

    /// <summary>INSERTPS from a register: bits 7:6 of the immediate choose the source's element.</summary>
    public static Bytes InsertSingle(Bytes destination, Bytes source, byte order) =>
        InsertSingle(destination, source.AsUInt32()[order >> 6], order);

    /// <summary>INSERTPS from memory, where the element is what was loaded.</summary>
    public static Bytes InsertSingleFromMemory(Bytes destination, Bytes source, byte order) =>
        InsertSingle(destination, source.AsUInt32().ToScalar(), order);

    private static Bytes InsertSingle(Bytes destination, uint value, byte order)
    {
        var bits = Vector128.Create(1u, 2, 4, 8);
        var cleared = Vector128.Equals(Vector128.Create((uint)order) & bits, bits);
        return Vector128.AndNot(destination.AsUInt32().WithElement((order >> 4) & 3, value), cleared).AsByte();
    }
}
