// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Execute.Simd.Kernels;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see SimdRule.
// SAFETY: see SimdTable.

/// <summary>Shuffles, unpacks, duplicates and blends.</summary>
internal static unsafe class ShuffleInstructions
{
    public static void Register(SimdTable table)
    {
        RegisterShuffles(table);
        RegisterUnpacks(table);
        RegisterBlends(table);
    }

    private static void RegisterShuffles(SimdTable table)
    {
        table.Binary(Code.Pshufb_xmm_xmmm128, &PackedShuffle.Bytes16);
        table.UnaryImmediate(Code.Pshufd_xmm_xmmm128_imm8, &PackedShuffle.Doublewords);
        table.UnaryImmediate(Code.Pshuflw_xmm_xmmm128_imm8, &PackedShuffle.LowWords);
        table.UnaryImmediate(Code.Pshufhw_xmm_xmmm128_imm8, &PackedShuffle.HighWords);
        table.BinaryImmediate(Code.Shufps_xmm_xmmm128_imm8, &PackedShuffle.Singles);
        table.BinaryImmediate(Code.Shufpd_xmm_xmmm128_imm8, &PackedShuffle.Doubles);
        table.Unary(Code.Movddup_xmm_xmmm64, &PackedShuffle.DuplicateLow64);
        table.Unary(Code.Movsldup_xmm_xmmm128, &PackedShuffle.DuplicateEven32);
        table.Unary(Code.Movshdup_xmm_xmmm128, &PackedShuffle.DuplicateOdd32);
        delegate* managed<Bytes, Bytes, Bytes> eight = &PackedShuffle.Bytes8;
        delegate* managed<Bytes, byte, Bytes> words = &PackedShuffle.LowWords;
        table.Add(Code.Pshufb_mm_mmm64, &MmxForms.Binary, eight);
        table.Add(Code.Pshufw_mm_mmm64_imm8, &MmxForms.UnaryImmediate, words);
    }

    private static void RegisterUnpacks(SimdTable table)
    {
        Unpack(
            table,
            Code.Punpcklbw_xmm_xmmm128,
            Code.Punpcklbw_mm_mmm32,
            &PackedShuffle.UnpackLow8,
            &PackedShuffle.UnpackLow8);
        Unpack(
            table,
            Code.Punpcklwd_xmm_xmmm128,
            Code.Punpcklwd_mm_mmm32,
            &PackedShuffle.UnpackLow16,
            &PackedShuffle.UnpackLow16);
        Unpack(
            table,
            Code.Punpckldq_xmm_xmmm128,
            Code.Punpckldq_mm_mmm32,
            &PackedShuffle.UnpackLow32,
            &PackedShuffle.UnpackLow32);
        Unpack(
            table,
            Code.Punpckhbw_xmm_xmmm128,
            Code.Punpckhbw_mm_mmm64,
            &PackedShuffle.UnpackHigh8,
            &PackedShuffle.UnpackHighMmx8);
        Unpack(
            table,
            Code.Punpckhwd_xmm_xmmm128,
            Code.Punpckhwd_mm_mmm64,
            &PackedShuffle.UnpackHigh16,
            &PackedShuffle.UnpackHighMmx16);
        Unpack(
            table,
            Code.Punpckhdq_xmm_xmmm128,
            Code.Punpckhdq_mm_mmm64,
            &PackedShuffle.UnpackHigh32,
            &PackedShuffle.UnpackHighMmx32);
        table.Binary(Code.Punpcklqdq_xmm_xmmm128, &PackedShuffle.UnpackLow64);
        table.Binary(Code.Punpckhqdq_xmm_xmmm128, &PackedShuffle.UnpackHigh64);
        table.Binary(Code.Unpcklps_xmm_xmmm128, &PackedShuffle.UnpackLow32);
        table.Binary(Code.Unpckhps_xmm_xmmm128, &PackedShuffle.UnpackHigh32);
        table.Binary(Code.Unpcklpd_xmm_xmmm128, &PackedShuffle.UnpackLow64);
        table.Binary(Code.Unpckhpd_xmm_xmmm128, &PackedShuffle.UnpackHigh64);
    }

    private static void Unpack(
        SimdTable table,
        Code xmm,
        Code mmx,
        delegate* managed<Bytes, Bytes, Bytes> kernel,
        delegate* managed<Bytes, Bytes, Bytes> mmxKernel)
    {
        table.Binary(xmm, kernel);
        table.Add(mmx, &MmxForms.Binary, mmxKernel);
    }

    private static void RegisterBlends(SimdTable table)
    {
        table.BinaryImmediate(Code.Pblendw_xmm_xmmm128_imm8, &PackedShuffle.Blend16);
        table.BinaryImmediate(Code.Blendps_xmm_xmmm128_imm8, &PackedShuffle.Blend32);
        table.BinaryImmediate(Code.Blendpd_xmm_xmmm128_imm8, &PackedShuffle.Blend64);
        delegate* managed<Bytes, Bytes, Bytes, Bytes> bytes = &PackedShuffle.BlendBySign8;
        delegate* managed<Bytes, Bytes, Bytes, Bytes> singles = &PackedShuffle.BlendBySign32;
        delegate* managed<Bytes, Bytes, Bytes, Bytes> doubles = &PackedShuffle.BlendBySign64;
        table.Add(Code.Pblendvb_xmm_xmmm128, &XmmForms.ByFirstRegister, bytes);
        table.Add(Code.Blendvps_xmm_xmmm128, &XmmForms.ByFirstRegister, singles);
        table.Add(Code.Blendvpd_xmm_xmmm128, &XmmForms.ByFirstRegister, doubles);
    }
}
