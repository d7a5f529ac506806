// SPDX-License-Identifier: Apache-2.0

using System.Runtime.Intrinsics;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd.Kernels;

/// <summary>Elements moved to other places: shuffles, unpacks, duplicates, blends.</summary>
internal static class PackedShuffle
{
    /// <summary>PSHUFB: a selector with bit 7 gives 0, else its low 4 bits count.</summary>
    public static Bytes Bytes16(Bytes value, Bytes selectors) =>
        Vector128.Shuffle(value, selectors & Vector128.Create((byte)0x8F));

    /// <summary>PSHUFB with MMX registers: the low 3 bits count.</summary>
    public static Bytes Bytes8(Bytes value, Bytes selectors) =>
        Vector128.Shuffle(value, selectors & Vector128.Create((byte)0x87));

    /// <summary>PSHUFD.</summary>
    public static Bytes Doublewords(Bytes value, byte order) => Vector128.Shuffle(
        value.AsUInt32(), Vector128.Create(At(order, 0), At(order, 1), At(order, 2), At(order, 3))).AsByte();

    /// <summary>PSHUFLW; PSHUFW.</summary>
    public static Bytes LowWords(Bytes value, byte order) => Vector128.Shuffle(
        value.AsUInt16(),
        Vector128.Create(
            (ushort)At(order, 0), (ushort)At(order, 1), (ushort)At(order, 2), (ushort)At(order, 3), 4, 5, 6, 7))
        .AsByte();

    /// <summary>PSHUFHW.</summary>
    public static Bytes HighWords(Bytes value, byte order) => Vector128.Shuffle(
        value.AsUInt16(),
        Vector128.Create(
            0, 1, 2, 3, (ushort)(4 + At(order, 0)), (ushort)(4 + At(order, 1)), (ushort)(4 + At(order, 2)),
            (ushort)(4 + At(order, 3))))
        .AsByte();

    /// <summary>SHUFPS: two of the first operand, two of the second.</summary>
    public static Bytes Singles(Bytes first, Bytes second, byte order) => Vector128.Create(
        first.AsUInt32().GetElement((int)At(order, 0)),
        first.AsUInt32().GetElement((int)At(order, 1)),
        second.AsUInt32().GetElement((int)At(order, 2)),
        second.AsUInt32().GetElement((int)At(order, 3))).AsByte();

    /// <summary>SHUFPD.</summary>
    public static Bytes Doubles(Bytes first, Bytes second, byte order) => Vector128.Create(
        first.AsUInt64().GetElement(order & 1), second.AsUInt64().GetElement((order >> 1) & 1)).AsByte();

    public static Bytes UnpackLow8(Bytes first, Bytes second) =>
        (Vector128.WidenLower(first) | (Vector128.WidenLower(second) << 8)).AsByte();

    public static Bytes UnpackHigh8(Bytes first, Bytes second) =>
        (Vector128.WidenUpper(first) | (Vector128.WidenUpper(second) << 8)).AsByte();

    public static Bytes UnpackLow16(Bytes first, Bytes second) =>
        (Vector128.WidenLower(first.AsUInt16()) | (Vector128.WidenLower(second.AsUInt16()) << 16)).AsByte();

    public static Bytes UnpackHigh16(Bytes first, Bytes second) =>
        (Vector128.WidenUpper(first.AsUInt16()) | (Vector128.WidenUpper(second.AsUInt16()) << 16)).AsByte();

    public static Bytes UnpackLow32(Bytes first, Bytes second) =>
        (Vector128.WidenLower(first.AsUInt32()) | (Vector128.WidenLower(second.AsUInt32()) << 32)).AsByte();

    public static Bytes UnpackHigh32(Bytes first, Bytes second) =>
        (Vector128.WidenUpper(first.AsUInt32()) | (Vector128.WidenUpper(second.AsUInt32()) << 32)).AsByte();

    public static Bytes UnpackLow64(Bytes first, Bytes second) =>
        Vector128.Create(first.GetLower(), second.GetLower());

    public static Bytes UnpackHigh64(Bytes first, Bytes second) =>
        Vector128.Create(first.GetUpper(), second.GetUpper());

    /// <summary>PUNPCKHBW with MMX registers: the upper half of what unpacking all 8 bytes gives.</summary>
    public static Bytes UnpackHighMmx8(Bytes first, Bytes second) => Upper(UnpackLow8(first, second));

    public static Bytes UnpackHighMmx16(Bytes first, Bytes second) => Upper(UnpackLow16(first, second));

    public static Bytes UnpackHighMmx32(Bytes first, Bytes second) => Upper(UnpackLow32(first, second));

    /// <summary>MOVDDUP.</summary>
    public static Bytes DuplicateLow64(Bytes value) => Vector128.Create(value.GetLower(), value.GetLower());

    /// <summary>MOVSLDUP.</summary>
    public static Bytes DuplicateEven32(Bytes value) =>
        Vector128.Shuffle(value.AsUInt32(), Vector128.Create(0u, 0, 2, 2)).AsByte();

    /// <summary>MOVSHDUP.</summary>
    public static Bytes DuplicateOdd32(Bytes value) =>
        Vector128.Shuffle(value.AsUInt32(), Vector128.Create(1u, 1, 3, 3)).AsByte();

    /// <summary>PBLENDW: the second where the immediate has a bit.</summary>
    public static Bytes Blend16(Bytes first, Bytes second, byte which)
    {
        var bits = Vector128.Create((ushort)1, 2, 4, 8, 16, 32, 64, 128);
        var chosen = Vector128.Equals(Vector128.Create((ushort)which) & bits, bits);
        return Vector128.ConditionalSelect(chosen.AsByte(), second, first);
    }

    /// <summary>BLENDPS.</summary>
    public static Bytes Blend32(Bytes first, Bytes second, byte which)
    {
        var bits = Vector128.Create(1u, 2, 4, 8);
        var chosen = Vector128.Equals(Vector128.Create((uint)which) & bits, bits);
        return Vector128.ConditionalSelect(chosen.AsByte(), second, first);
    }

    /// <summary>BLENDPD.</summary>
    public static Bytes Blend64(Bytes first, Bytes second, byte which)
    {
        var bits = Vector128.Create(1ul, 2);
        var chosen = Vector128.Equals(Vector128.Create((ulong)which) & bits, bits);
        return Vector128.ConditionalSelect(chosen.AsByte(), second, first);
    }

    /// <summary>PBLENDVB: the second where the selector is negative.</summary>
    public static Bytes BlendBySign8(Bytes first, Bytes second, Bytes selectors) =>
        Vector128.ConditionalSelect(PackedCompare.Greater8(Bytes.Zero, selectors), second, first);

    /// <summary>BLENDVPS.</summary>
    public static Bytes BlendBySign32(Bytes first, Bytes second, Bytes selectors) =>
        Vector128.ConditionalSelect(PackedCompare.Greater32(Bytes.Zero, selectors), second, first);

    /// <summary>BLENDVPD.</summary>
    public static Bytes BlendBySign64(Bytes first, Bytes second, Bytes selectors) =>
        Vector128.ConditionalSelect(PackedCompare.Greater64(Bytes.Zero, selectors), second, first);

    private static uint At(byte order, int place) => (uint)(order >> (2 * place)) & 3;

    private static Bytes Upper(Bytes value) => Vector128.Create(value.GetUpper(), value.GetUpper());
}
