// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Execute.Simd.Kernels;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see SimdRule.
// SAFETY: see SimdTable.

/// <summary>Moves of whole registers and of their halves.</summary>
internal static unsafe class MoveInstructions
{
    public static void Register(SimdTable table)
    {
        RegisterWhole(table);
        RegisterScalar(table);
        RegisterHalves(table);
        RegisterMmx(table);
    }

    private static void RegisterWhole(SimdTable table)
    {
        delegate* managed<Bytes, Bytes> whole = &ElementMove.Whole;
        ReadOnlySpan<Code> loads =
        [
            Code.Movaps_xmm_xmmm128, Code.Movapd_xmm_xmmm128, Code.Movups_xmm_xmmm128, Code.Movupd_xmm_xmmm128,
            Code.Movdqa_xmm_xmmm128, Code.Movdqu_xmm_xmmm128, Code.Lddqu_xmm_m128, Code.Movntdqa_xmm_m128,
        ];
        foreach (Code code in loads)
        {
            table.Unary(code, whole);
        }

        ReadOnlySpan<Code> stores =
        [
            Code.Movaps_xmmm128_xmm, Code.Movapd_xmmm128_xmm, Code.Movups_xmmm128_xmm, Code.Movupd_xmmm128_xmm,
            Code.Movdqa_xmmm128_xmm, Code.Movdqu_xmmm128_xmm, Code.Movntps_m128_xmm, Code.Movntpd_m128_xmm,
            Code.Movntdq_m128_xmm,
        ];
        foreach (Code code in stores)
        {
            table.AddSplit(code, &XmmForms.Unary, whole, &XmmForms.Store, whole);
        }
    }

    /// <summary>From memory they are zero-extended; between registers MOVSS and MOVSD keep the rest.</summary>
    private static void RegisterScalar(SimdTable table)
    {
        delegate* managed<Bytes, Bytes> whole = &ElementMove.Whole;
        delegate* managed<Bytes, Bytes> low = &ElementMove.Low64;
        delegate* managed<Bytes, Bytes, Bytes> single = &ElementMove.MergeLow32;
        delegate* managed<Bytes, Bytes, Bytes> @double = &ElementMove.MergeLow64;
        table.AddSplit(Code.Movss_xmm_xmmm32, &XmmForms.Binary, single, &XmmForms.Unary, whole);
        table.AddSplit(Code.Movss_xmmm32_xmm, &XmmForms.Binary, single, &XmmForms.Store, whole);
        table.AddSplit(Code.Movsd_xmm_xmmm64, &XmmForms.Binary, @double, &XmmForms.Unary, whole);
        table.AddSplit(Code.Movsd_xmmm64_xmm, &XmmForms.Binary, @double, &XmmForms.Store, whole);
        table.Unary(Code.Movq_xmm_xmmm64, low);
        table.AddSplit(Code.Movq_xmmm64_xmm, &XmmForms.Unary, low, &XmmForms.Store, whole);
    }

    private static void RegisterHalves(SimdTable table)
    {
        delegate* managed<Bytes, Bytes> whole = &ElementMove.Whole;
        delegate* managed<Bytes, Bytes> upper = &ElementMove.Upper64;
        table.Binary(Code.Movlps_xmm_m64, &ElementMove.MergeLow64);
        table.Binary(Code.Movlpd_xmm_m64, &ElementMove.MergeLow64);
        table.Binary(Code.Movhps_xmm_m64, &ElementMove.MergeHigh64);
        table.Binary(Code.Movhpd_xmm_m64, &ElementMove.MergeHigh64);
        table.Binary(Code.Movlhps_xmm_xmm, &ElementMove.MergeHigh64);
        table.Binary(Code.Movhlps_xmm_xmm, &ElementMove.MergeLowFromHigh64);
        table.Add(Code.Movlps_m64_xmm, &XmmForms.Store, whole);
        table.Add(Code.Movlpd_m64_xmm, &XmmForms.Store, whole);
        table.Add(Code.Movhps_m64_xmm, &XmmForms.Store, upper);
        table.Add(Code.Movhpd_m64_xmm, &XmmForms.Store, upper);
    }

    private static void RegisterMmx(SimdTable table)
    {
        delegate* managed<Bytes, Bytes> whole = &ElementMove.Whole;
        table.Add(Code.Movq_mm_mmm64, &MmxForms.Unary, whole);
        table.AddSplit(Code.Movq_mmm64_mm, &MmxForms.Unary, whole, &MmxForms.Store, null);
        table.Add(Code.Movntq_m64_mm, &MmxForms.Store);
        table.Add(Code.Movq2dq_xmm_mm, &MmxForms.ToXmm);
        table.Add(Code.Movdq2q_mm_xmm, &MmxForms.FromXmm);
    }
}
