// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Execute.Simd.Kernels;
using KvmActors.Cpu.Float;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see SimdRule.
// SAFETY: see SimdTable.

/// <summary>The CVT instructions.</summary>
internal static unsafe class ConversionInstructions
{
    public static void Register(SimdTable table)
    {
        Whole(table, Code.Cvtdq2ps_xmm_xmmm128, &FloatConversion.Int32ToSingles);
        Whole(table, Code.Cvtdq2pd_xmm_xmmm64, &FloatConversion.PairToDoubles);
        Whole(table, Code.Cvtps2pd_xmm_xmmm64, &FloatConversion.SinglesToDoubles);
        Whole(table, Code.Cvtpd2ps_xmm_xmmm128, &FloatConversion.DoublesToSingles);
        Whole(table, Code.Cvtss2sd_xmm_xmmm32, &FloatConversion.SingleToDouble);
        Whole(table, Code.Cvtsd2ss_xmm_xmmm64, &FloatConversion.DoubleToSingle);
        Whole(table, Code.Cvtps2dq_xmm_xmmm128, &FloatConversion.SinglesToInt32);
        Whole(table, Code.Cvttps2dq_xmm_xmmm128, &FloatConversion.SinglesToInt32Truncated);
        Whole(table, Code.Cvtpd2dq_xmm_xmmm128, &FloatConversion.DoublesToInt32);
        Whole(table, Code.Cvttpd2dq_xmm_xmmm128, &FloatConversion.DoublesToInt32Truncated);
        ToMmx(table, Code.Cvtps2pi_mm_xmmm64, &FloatConversion.SinglesToPair);
        ToMmx(table, Code.Cvttps2pi_mm_xmmm64, &FloatConversion.SinglesToPairTruncated);
        ToMmx(table, Code.Cvtpd2pi_mm_xmmm128, &FloatConversion.DoublesToPair);
        ToMmx(table, Code.Cvttpd2pi_mm_xmmm128, &FloatConversion.DoublesToPairTruncated);
        FromGeneral(table, Code.Cvtsi2ss_xmm_rm32, &FloatConversion.Int32ToSingle);
        FromGeneral(table, Code.Cvtsi2ss_xmm_rm64, &FloatConversion.Int64ToSingle);
        FromGeneral(table, Code.Cvtsi2sd_xmm_rm32, &FloatConversion.Int32ToDouble);
        FromGeneral(table, Code.Cvtsi2sd_xmm_rm64, &FloatConversion.Int64ToDouble);
        ToGeneral(table, Code.Cvtss2si_r32_xmmm32, &FloatConversion.SingleToInt32);
        ToGeneral(table, Code.Cvttss2si_r32_xmmm32, &FloatConversion.SingleToInt32Truncated);
        ToGeneral(table, Code.Cvtss2si_r64_xmmm32, &FloatConversion.SingleToInt64);
        ToGeneral(table, Code.Cvttss2si_r64_xmmm32, &FloatConversion.SingleToInt64Truncated);
        ToGeneral(table, Code.Cvtsd2si_r32_xmmm64, &FloatConversion.DoubleToInt32);
        ToGeneral(table, Code.Cvttsd2si_r32_xmmm64, &FloatConversion.DoubleToInt32Truncated);
        ToGeneral(table, Code.Cvtsd2si_r64_xmmm64, &FloatConversion.DoubleToInt64);
        ToGeneral(table, Code.Cvttsd2si_r64_xmmm64, &FloatConversion.DoubleToInt64Truncated);
        FromMmx(table, Code.Cvtpi2ps_xmm_mmm64, &FloatConversion.PairToSingles);
        FromMmx(table, Code.Cvtpi2pd_xmm_mmm64, &FloatConversion.PairToDoubles);
    }

    private static void Whole(
        SimdTable table, Code code, delegate* managed<Bytes, Bytes, byte, ref FloatContext, Bytes> kernel) =>
        table.Add(code, &FloatForms.Whole, kernel);

    private static void FromMmx(
        SimdTable table, Code code, delegate* managed<Bytes, Bytes, byte, ref FloatContext, Bytes> kernel) =>
        table.AddSplit(code, &ConversionForms.FromMmx, kernel, &ConversionForms.FromMemory, kernel);

    private static void ToMmx(
        SimdTable table, Code code, delegate* managed<Bytes, ref FloatContext, Bytes> kernel) =>
        table.Add(code, &ConversionForms.ToMmx, kernel);

    private static void FromGeneral(
        SimdTable table, Code code, delegate* managed<Bytes, ulong, ref FloatContext, Bytes> kernel) =>
        table.Add(code, &ConversionForms.FromGeneral, kernel);

    private static void ToGeneral(
        SimdTable table, Code code, delegate* managed<Bytes, ref FloatContext, ulong> kernel) =>
        table.Add(code, &ConversionForms.ToGeneral, kernel);
}
