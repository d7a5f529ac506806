// SPDX-License-Identifier: Apache-2.0

using System.Runtime.Intrinsics;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd.Kernels;

/// <summary>Shifts of packed integers by the low quadword of the second operand, and of whole registers by bytes.
/// </summary>
internal static class PackedShift
{
    private const int RegisterBytes = 16;
    private const int MmxBytes = 8;
    private const int ByteBits = 8;

    public static Bytes Left16(Bytes value, Bytes count) => Count(count) is var by && by < 16
        ? (value.AsUInt16() << (int)by).AsByte()
        : Bytes.Zero;

    public static Bytes Right16(Bytes value, Bytes count) => Count(count) is var by && by < 16
        ? (value.AsUInt16() >> (int)by).AsByte()
        : Bytes.Zero;

    public static Bytes Left32(Bytes value, Bytes count) => Count(count) is var by && by < 32
        ? (value.AsUInt32() << (int)by).AsByte()
        : Bytes.Zero;

    public static Bytes Right32(Bytes value, Bytes count) => Count(count) is var by && by < 32
        ? (value.AsUInt32() >> (int)by).AsByte()
        : Bytes.Zero;

    public static Bytes Left64(Bytes value, Bytes count) => Count(count) is var by && by < 64
        ? (value.AsUInt64() << (int)by).AsByte()
        : Bytes.Zero;

    public static Bytes Right64(Bytes value, Bytes count) => Count(count) is var by && by < 64
        ? (value.AsUInt64() >> (int)by).AsByte()
        : Bytes.Zero;

    public static Bytes RightSigned16(Bytes value, Bytes count) =>
        (value.AsInt16() >> (int)Math.Min(Count(count), 15)).AsByte();

    public static Bytes RightSigned32(Bytes value, Bytes count) =>
        (value.AsInt32() >> (int)Math.Min(Count(count), 31)).AsByte();

    /// <summary>PSLLDQ.</summary>
    public static Bytes LeftBytes(Bytes value, Bytes count) => Count(count) is var by && by < RegisterBytes
        ? From(To(value) << (ByteBits * (int)by))
        : Bytes.Zero;

    /// <summary>PSRLDQ.</summary>
    public static Bytes RightBytes(Bytes value, Bytes count) => Count(count) is var by && by < RegisterBytes
        ? From(To(value) >> (ByteBits * (int)by))
        : Bytes.Zero;

    /// <summary>PALIGNR: 16 bytes out of the 32 of both operands.</summary>
    public static Bytes Align(Bytes high, Bytes low, byte count) => count switch
    {
        0 => low,
        < RegisterBytes => From(
            (To(low) >> (ByteBits * count)) | (To(high) << (ByteBits * (RegisterBytes - count)))),
        < 2 * RegisterBytes => From(To(high) >> (ByteBits * (count - RegisterBytes))),
        _ => Bytes.Zero,
    };

    /// <summary>PALIGNR with MMX registers: 8 bytes out of the 16 of both operands.</summary>
    public static Bytes AlignMmx(Bytes high, Bytes low, byte count) => count < 2 * MmxBytes
        ? From(To(Vector128.Create(low.GetLower(), high.GetLower())) >> (ByteBits * count))
        : Bytes.Zero;

    private static ulong Count(Bytes count) => count.AsUInt64().ToScalar();

    private static UInt128 To(Bytes value) => new(value.AsUInt64().GetElement(1), value.AsUInt64().ToScalar());

    private static Bytes From(UInt128 value) =>
        Vector128.Create((ulong)value, (ulong)(value >> 64)).AsByte();
}
