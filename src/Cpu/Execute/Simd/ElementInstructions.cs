// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Execute.Simd.Kernels;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see SimdRule.
// SAFETY: see SimdTable.

/// <summary>Elements between XMM or MMX registers and general-purpose registers or memory.</summary>
internal static unsafe class ElementInstructions
{
    public static void Register(SimdTable table)
    {
        RegisterInsertions(table);
        RegisterExtractions(table);
        delegate* managed<Bytes, Bytes, byte, Bytes> register = &ElementMove.InsertSingle;
        delegate* managed<Bytes, Bytes, byte, Bytes> memory = &ElementMove.InsertSingleFromMemory;
        table.AddSplit(
            Code.Insertps_xmm_xmmm32_imm8, &XmmForms.BinaryImmediate, register, &XmmForms.BinaryImmediate, memory);
    }

    private static void RegisterInsertions(SimdTable table)
    {
        ToXmm(table, Code.Movd_xmm_rm32, &ElementMove.Replace32);
        ToXmm(table, Code.Movq_xmm_rm64, &ElementMove.Replace64);
        ToXmm(table, Code.Pinsrb_xmm_r32m8_imm8, &ElementMove.Insert8);
        ToXmm(table, Code.Pinsrb_xmm_r64m8_imm8, &ElementMove.Insert8);
        ToXmm(table, Code.Pinsrw_xmm_r32m16_imm8, &ElementMove.Insert16);
        ToXmm(table, Code.Pinsrw_xmm_r64m16_imm8, &ElementMove.Insert16);
        ToXmm(table, Code.Pinsrd_xmm_rm32_imm8, &ElementMove.Insert32);
        ToXmm(table, Code.Pinsrq_xmm_rm64_imm8, &ElementMove.Insert64);
        ToMmx(table, Code.Movd_mm_rm32, &ElementMove.Replace32);
        ToMmx(table, Code.Movq_mm_rm64, &ElementMove.Replace64);
        ToMmx(table, Code.Pinsrw_mm_r32m16_imm8, &ElementMove.InsertMmx16);
        ToMmx(table, Code.Pinsrw_mm_r64m16_imm8, &ElementMove.InsertMmx16);
    }

    private static void RegisterExtractions(SimdTable table)
    {
        FromXmm(table, Code.Movd_rm32_xmm, &ElementMove.First32);
        FromXmm(table, Code.Movq_rm64_xmm, &ElementMove.First64);
        FromXmm(table, Code.Pextrb_r32m8_xmm_imm8, &ElementMove.Extract8);
        FromXmm(table, Code.Pextrb_r64m8_xmm_imm8, &ElementMove.Extract8);
        FromXmm(table, Code.Pextrw_r32_xmm_imm8, &ElementMove.Extract16);
        FromXmm(table, Code.Pextrw_r64_xmm_imm8, &ElementMove.Extract16);
        FromXmm(table, Code.Pextrw_r32m16_xmm_imm8, &ElementMove.Extract16);
        FromXmm(table, Code.Pextrw_r64m16_xmm_imm8, &ElementMove.Extract16);
        FromXmm(table, Code.Pextrd_rm32_xmm_imm8, &ElementMove.Extract32);
        FromXmm(table, Code.Pextrq_rm64_xmm_imm8, &ElementMove.Extract64);
        FromXmm(table, Code.Extractps_rm32_xmm_imm8, &ElementMove.Extract32);
        FromXmm(table, Code.Extractps_r64m32_xmm_imm8, &ElementMove.Extract32);
        FromXmm(table, Code.Pmovmskb_r32_xmm, &ElementMove.Signs8);
        FromXmm(table, Code.Pmovmskb_r64_xmm, &ElementMove.Signs8);
        FromXmm(table, Code.Movmskps_r32_xmm, &ElementMove.Signs32);
        FromXmm(table, Code.Movmskps_r64_xmm, &ElementMove.Signs32);
        FromXmm(table, Code.Movmskpd_r32_xmm, &ElementMove.Signs64);
        FromXmm(table, Code.Movmskpd_r64_xmm, &ElementMove.Signs64);
        FromMmx(table, Code.Movd_rm32_mm, &ElementMove.First32);
        FromMmx(table, Code.Movq_rm64_mm, &ElementMove.First64);
        FromMmx(table, Code.Pextrw_r32_mm_imm8, &ElementMove.ExtractMmx16);
        FromMmx(table, Code.Pextrw_r64_mm_imm8, &ElementMove.ExtractMmx16);
        FromMmx(table, Code.Pmovmskb_r32_mm, &ElementMove.Signs8);
        FromMmx(table, Code.Pmovmskb_r64_mm, &ElementMove.Signs8);
    }

    private static void ToXmm(SimdTable table, Code code, delegate* managed<Bytes, ulong, byte, Bytes> kernel) =>
        table.Add(code, &GeneralForms.ToXmm, kernel);

    private static void ToMmx(SimdTable table, Code code, delegate* managed<Bytes, ulong, byte, Bytes> kernel) =>
        table.Add(code, &GeneralForms.ToMmx, kernel);

    private static void FromXmm(SimdTable table, Code code, delegate* managed<Bytes, byte, ulong> kernel) =>
        table.Add(code, &GeneralForms.FromXmm, kernel);

    private static void FromMmx(SimdTable table, Code code, delegate* managed<Bytes, byte, ulong> kernel) =>
        table.Add(code, &GeneralForms.FromMmx, kernel);
}
