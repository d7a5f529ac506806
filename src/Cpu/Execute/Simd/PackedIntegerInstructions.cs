// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Execute.Simd.Kernels;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see SimdRule.
// SAFETY: see SimdTable.

/// <summary>Arithmetic and comparison of packed integers, and the bitwise operations.</summary>
internal static unsafe class PackedIntegerInstructions
{
    public static void Register(SimdTable table)
    {
        RegisterSums(table);
        RegisterComparisons(table);
        RegisterProducts(table);
        RegisterWidths(table);
    }

    private static void RegisterSums(SimdTable table)
    {
        table.Binary(Code.Paddb_xmm_xmmm128, Code.Paddb_mm_mmm64, &PackedSum.Add8);
        table.Binary(Code.Paddw_xmm_xmmm128, Code.Paddw_mm_mmm64, &PackedSum.Add16);
        table.Binary(Code.Paddd_xmm_xmmm128, Code.Paddd_mm_mmm64, &PackedSum.Add32);
        table.Binary(Code.Paddq_xmm_xmmm128, Code.Paddq_mm_mmm64, &PackedSum.Add64);
        table.Binary(Code.Psubb_xmm_xmmm128, Code.Psubb_mm_mmm64, &PackedSum.Subtract8);
        table.Binary(Code.Psubw_xmm_xmmm128, Code.Psubw_mm_mmm64, &PackedSum.Subtract16);
        table.Binary(Code.Psubd_xmm_xmmm128, Code.Psubd_mm_mmm64, &PackedSum.Subtract32);
        table.Binary(Code.Psubq_xmm_xmmm128, Code.Psubq_mm_mmm64, &PackedSum.Subtract64);
        table.Binary(Code.Paddsb_xmm_xmmm128, Code.Paddsb_mm_mmm64, &PackedSum.AddSaturated8);
        table.Binary(Code.Paddsw_xmm_xmmm128, Code.Paddsw_mm_mmm64, &PackedSum.AddSaturated16);
        table.Binary(Code.Paddusb_xmm_xmmm128, Code.Paddusb_mm_mmm64, &PackedSum.AddSaturatedUnsigned8);
        table.Binary(Code.Paddusw_xmm_xmmm128, Code.Paddusw_mm_mmm64, &PackedSum.AddSaturatedUnsigned16);
        table.Binary(Code.Psubsb_xmm_xmmm128, Code.Psubsb_mm_mmm64, &PackedSum.SubtractSaturated8);
        table.Binary(Code.Psubsw_xmm_xmmm128, Code.Psubsw_mm_mmm64, &PackedSum.SubtractSaturated16);
        table.Binary(Code.Psubusb_xmm_xmmm128, Code.Psubusb_mm_mmm64, &PackedSum.SubtractSaturatedUnsigned8);
        table.Binary(Code.Psubusw_xmm_xmmm128, Code.Psubusw_mm_mmm64, &PackedSum.SubtractSaturatedUnsigned16);
        table.Binary(Code.Pavgb_xmm_xmmm128, Code.Pavgb_mm_mmm64, &PackedSum.Average8);
        table.Binary(Code.Pavgw_xmm_xmmm128, Code.Pavgw_mm_mmm64, &PackedSum.Average16);
        table.Binary(Code.Psignb_xmm_xmmm128, Code.Psignb_mm_mmm64, &PackedSum.Sign8);
        table.Binary(Code.Psignw_xmm_xmmm128, Code.Psignw_mm_mmm64, &PackedSum.Sign16);
        table.Binary(Code.Psignd_xmm_xmmm128, Code.Psignd_mm_mmm64, &PackedSum.Sign32);
        table.Unary(Code.Pabsb_xmm_xmmm128, Code.Pabsb_mm_mmm64, &PackedSum.Magnitude8);
        table.Unary(Code.Pabsw_xmm_xmmm128, Code.Pabsw_mm_mmm64, &PackedSum.Magnitude16);
        table.Unary(Code.Pabsd_xmm_xmmm128, Code.Pabsd_mm_mmm64, &PackedSum.Magnitude32);
    }

    private static void RegisterComparisons(SimdTable table)
    {
        table.Binary(Code.Pcmpeqb_xmm_xmmm128, Code.Pcmpeqb_mm_mmm64, &PackedCompare.Equal8);
        table.Binary(Code.Pcmpeqw_xmm_xmmm128, Code.Pcmpeqw_mm_mmm64, &PackedCompare.Equal16);
        table.Binary(Code.Pcmpeqd_xmm_xmmm128, Code.Pcmpeqd_mm_mmm64, &PackedCompare.Equal32);
        table.Binary(Code.Pcmpgtb_xmm_xmmm128, Code.Pcmpgtb_mm_mmm64, &PackedCompare.Greater8);
        table.Binary(Code.Pcmpgtw_xmm_xmmm128, Code.Pcmpgtw_mm_mmm64, &PackedCompare.Greater16);
        table.Binary(Code.Pcmpgtd_xmm_xmmm128, Code.Pcmpgtd_mm_mmm64, &PackedCompare.Greater32);
        table.Binary(Code.Pminub_xmm_xmmm128, Code.Pminub_mm_mmm64, &PackedCompare.MinimumUnsigned8);
        table.Binary(Code.Pminsw_xmm_xmmm128, Code.Pminsw_mm_mmm64, &PackedCompare.Minimum16);
        table.Binary(Code.Pmaxub_xmm_xmmm128, Code.Pmaxub_mm_mmm64, &PackedCompare.MaximumUnsigned8);
        table.Binary(Code.Pmaxsw_xmm_xmmm128, Code.Pmaxsw_mm_mmm64, &PackedCompare.Maximum16);
        table.Binary(Code.Pand_xmm_xmmm128, Code.Pand_mm_mmm64, &PackedCompare.And);
        table.Binary(Code.Pandn_xmm_xmmm128, Code.Pandn_mm_mmm64, &PackedCompare.AndNot);
        table.Binary(Code.Por_xmm_xmmm128, Code.Por_mm_mmm64, &PackedCompare.Or);
        table.Binary(Code.Pxor_xmm_xmmm128, Code.Pxor_mm_mmm64, &PackedCompare.Xor);
        table.Binary(Code.Pcmpeqq_xmm_xmmm128, &PackedCompare.Equal64);
        table.Binary(Code.Pcmpgtq_xmm_xmmm128, &PackedCompare.Greater64);
        table.Binary(Code.Pminsb_xmm_xmmm128, &PackedCompare.Minimum8);
        table.Binary(Code.Pminsd_xmm_xmmm128, &PackedCompare.Minimum32);
        table.Binary(Code.Pminuw_xmm_xmmm128, &PackedCompare.MinimumUnsigned16);
        table.Binary(Code.Pminud_xmm_xmmm128, &PackedCompare.MinimumUnsigned32);
        table.Binary(Code.Pmaxsb_xmm_xmmm128, &PackedCompare.Maximum8);
        table.Binary(Code.Pmaxsd_xmm_xmmm128, &PackedCompare.Maximum32);
        table.Binary(Code.Pmaxuw_xmm_xmmm128, &PackedCompare.MaximumUnsigned16);
        table.Binary(Code.Pmaxud_xmm_xmmm128, &PackedCompare.MaximumUnsigned32);
        table.Binary(Code.Andps_xmm_xmmm128, &PackedCompare.And);
        table.Binary(Code.Andpd_xmm_xmmm128, &PackedCompare.And);
        table.Binary(Code.Andnps_xmm_xmmm128, &PackedCompare.AndNot);
        table.Binary(Code.Andnpd_xmm_xmmm128, &PackedCompare.AndNot);
        table.Binary(Code.Orps_xmm_xmmm128, &PackedCompare.Or);
        table.Binary(Code.Orpd_xmm_xmmm128, &PackedCompare.Or);
        table.Binary(Code.Xorps_xmm_xmmm128, &PackedCompare.Xor);
        table.Binary(Code.Xorpd_xmm_xmmm128, &PackedCompare.Xor);
    }

    private static void RegisterProducts(SimdTable table)
    {
        table.Binary(Code.Pmullw_xmm_xmmm128, Code.Pmullw_mm_mmm64, &PackedProduct.Low16);
        table.Binary(Code.Pmulhw_xmm_xmmm128, Code.Pmulhw_mm_mmm64, &PackedProduct.High16);
        table.Binary(Code.Pmulhuw_xmm_xmmm128, Code.Pmulhuw_mm_mmm64, &PackedProduct.HighUnsigned16);
        table.Binary(Code.Pmulhrsw_xmm_xmmm128, Code.Pmulhrsw_mm_mmm64, &PackedProduct.HighRounded16);
        table.Binary(Code.Pmuludq_xmm_xmmm128, Code.Pmuludq_mm_mmm64, &PackedProduct.WideUnsigned32);
        table.Binary(Code.Pmaddwd_xmm_xmmm128, Code.Pmaddwd_mm_mmm64, &PackedProduct.AddPairs16);
        table.Binary(Code.Pmaddubsw_xmm_xmmm128, Code.Pmaddubsw_mm_mmm64, &PackedProduct.AddPairs8);
        table.Binary(Code.Psadbw_xmm_xmmm128, Code.Psadbw_mm_mmm64, &PackedDistance.Sums);
        table.Binary(Code.Pmulld_xmm_xmmm128, &PackedProduct.Low32);
        table.Binary(Code.Pmuldq_xmm_xmmm128, &PackedProduct.Wide32);
        table.BinaryImmediate(Code.Mpsadbw_xmm_xmmm128_imm8, &PackedDistance.BlockSums);
        table.Unary(Code.Phminposuw_xmm_xmmm128, &PackedDistance.Smallest);
    }

    private static void RegisterWidths(SimdTable table)
    {
        table.Joined(Code.Packsswb_xmm_xmmm128, Code.Packsswb_mm_mmm64, &PackedWidth.Pack16);
        table.Joined(Code.Packssdw_xmm_xmmm128, Code.Packssdw_mm_mmm64, &PackedWidth.Pack32);
        table.Joined(Code.Packuswb_xmm_xmmm128, Code.Packuswb_mm_mmm64, &PackedWidth.PackToUnsigned16);
        table.Joined(Code.Phaddw_xmm_xmmm128, Code.Phaddw_mm_mmm64, &PackedWidth.AddNeighbours16);
        table.Joined(Code.Phaddsw_xmm_xmmm128, Code.Phaddsw_mm_mmm64, &PackedWidth.AddNeighboursSaturated16);
        table.Joined(Code.Phaddd_xmm_xmmm128, Code.Phaddd_mm_mmm64, &PackedWidth.AddNeighbours32);
        table.Joined(Code.Phsubw_xmm_xmmm128, Code.Phsubw_mm_mmm64, &PackedWidth.SubtractNeighbours16);
        table.Joined(Code.Phsubsw_xmm_xmmm128, Code.Phsubsw_mm_mmm64, &PackedWidth.SubtractNeighboursSaturated16);
        table.Joined(Code.Phsubd_xmm_xmmm128, Code.Phsubd_mm_mmm64, &PackedWidth.SubtractNeighbours32);
        table.Binary(Code.Packusdw_xmm_xmmm128, &PackedWidth.PackToUnsigned32);
        table.Unary(Code.Pmovsxbw_xmm_xmmm64, &PackedWidth.Signed8To16);
        table.Unary(Code.Pmovsxbd_xmm_xmmm32, &PackedWidth.Signed8To32);
        table.Unary(Code.Pmovsxbq_xmm_xmmm16, &PackedWidth.Signed8To64);
        table.Unary(Code.Pmovsxwd_xmm_xmmm64, &PackedWidth.Signed16To32);
        table.Unary(Code.Pmovsxwq_xmm_xmmm32, &PackedWidth.Signed16To64);
        table.Unary(Code.Pmovsxdq_xmm_xmmm64, &PackedWidth.Signed32To64);
        table.Unary(Code.Pmovzxbw_xmm_xmmm64, &PackedWidth.Unsigned8To16);
        table.Unary(Code.Pmovzxbd_xmm_xmmm32, &PackedWidth.Unsigned8To32);
        table.Unary(Code.Pmovzxbq_xmm_xmmm16, &PackedWidth.Unsigned8To64);
        table.Unary(Code.Pmovzxwd_xmm_xmmm64, &PackedWidth.Unsigned16To32);
        table.Unary(Code.Pmovzxwq_xmm_xmmm32, &PackedWidth.Unsigned16To64);
        table.Unary(Code.Pmovzxdq_xmm_xmmm64, &PackedWidth.Unsigned32To64);
    }
}
