// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Execute.Simd.Kernels;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see SimdRule.
// SAFETY: see SimdTable.

/// <summary>Shifts of packed integers and of whole registers.</summary>
internal static unsafe class ShiftInstructions
{
    public static void Register(SimdTable table)
    {
        Add(
            table, Code.Psllw_xmm_xmmm128, Code.Psllw_mm_mmm64, Code.Psllw_xmm_imm8, Code.Psllw_mm_imm8,
            &PackedShift.Left16);
        Add(
            table, Code.Pslld_xmm_xmmm128, Code.Pslld_mm_mmm64, Code.Pslld_xmm_imm8, Code.Pslld_mm_imm8,
            &PackedShift.Left32);
        Add(
            table, Code.Psllq_xmm_xmmm128, Code.Psllq_mm_mmm64, Code.Psllq_xmm_imm8, Code.Psllq_mm_imm8,
            &PackedShift.Left64);
        Add(
            table, Code.Psrlw_xmm_xmmm128, Code.Psrlw_mm_mmm64, Code.Psrlw_xmm_imm8, Code.Psrlw_mm_imm8,
            &PackedShift.Right16);
        Add(
            table, Code.Psrld_xmm_xmmm128, Code.Psrld_mm_mmm64, Code.Psrld_xmm_imm8, Code.Psrld_mm_imm8,
            &PackedShift.Right32);
        Add(
            table, Code.Psrlq_xmm_xmmm128, Code.Psrlq_mm_mmm64, Code.Psrlq_xmm_imm8, Code.Psrlq_mm_imm8,
            &PackedShift.Right64);
        Add(
            table, Code.Psraw_xmm_xmmm128, Code.Psraw_mm_mmm64, Code.Psraw_xmm_imm8, Code.Psraw_mm_imm8,
            &PackedShift.RightSigned16);
        Add(
            table, Code.Psrad_xmm_xmmm128, Code.Psrad_mm_mmm64, Code.Psrad_xmm_imm8, Code.Psrad_mm_imm8,
            &PackedShift.RightSigned32);
        delegate* managed<Bytes, Bytes, Bytes> left = &PackedShift.LeftBytes;
        delegate* managed<Bytes, Bytes, Bytes> right = &PackedShift.RightBytes;
        delegate* managed<Bytes, Bytes, byte, Bytes> align = &PackedShift.AlignMmx;
        table.Add(Code.Pslldq_xmm_imm8, &XmmForms.ByImmediate, left);
        table.Add(Code.Psrldq_xmm_imm8, &XmmForms.ByImmediate, right);
        table.BinaryImmediate(Code.Palignr_xmm_xmmm128_imm8, &PackedShift.Align);
        table.Add(Code.Palignr_mm_mmm64_imm8, &MmxForms.BinaryImmediate, align);
    }

    private static void Add(
        SimdTable table,
        Code xmm,
        Code mmx,
        Code xmmImmediate,
        Code mmxImmediate,
        delegate* managed<Bytes, Bytes, Bytes> kernel)
    {
        table.Binary(xmm, mmx, kernel);
        table.Add(xmmImmediate, &XmmForms.ByImmediate, kernel);
        table.Add(mmxImmediate, &MmxForms.ByImmediate, kernel);
    }
}
