// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Execute.Simd.Kernels;
using KvmActors.Cpu.Float;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see SimdRule.
// SAFETY: see SimdTable.

/// <summary>Arithmetic, comparison and rounding of floating-point numbers.</summary>
internal static unsafe class FloatInstructions
{
    public static void Register(SimdTable table)
    {
        RegisterArithmetic(table);
        RegisterWhole(table);
        RegisterOrders(table);
        RegisterApproximations(table);
        table.Add(Code.Dpps_xmm_xmmm128_imm8, &DotProductForms.Singles);
        table.Add(Code.Dppd_xmm_xmmm128_imm8, &DotProductForms.Doubles);
    }

    private static void RegisterArithmetic(SimdTable table)
    {
        Singles(table, Code.Addps_xmm_xmmm128, Code.Addss_xmm_xmmm32, &Float32.Add);
        Doubles(table, Code.Addpd_xmm_xmmm128, Code.Addsd_xmm_xmmm64, &Float64.Add);
        Singles(table, Code.Subps_xmm_xmmm128, Code.Subss_xmm_xmmm32, &Float32.Subtract);
        Doubles(table, Code.Subpd_xmm_xmmm128, Code.Subsd_xmm_xmmm64, &Float64.Subtract);
        Singles(table, Code.Mulps_xmm_xmmm128, Code.Mulss_xmm_xmmm32, &Float32.Multiply);
        Doubles(table, Code.Mulpd_xmm_xmmm128, Code.Mulsd_xmm_xmmm64, &Float64.Multiply);
        Singles(table, Code.Divps_xmm_xmmm128, Code.Divss_xmm_xmmm32, &Float32.Divide);
        Doubles(table, Code.Divpd_xmm_xmmm128, Code.Divsd_xmm_xmmm64, &Float64.Divide);
        Singles(table, Code.Sqrtps_xmm_xmmm128, Code.Sqrtss_xmm_xmmm32, &SingleOperations.SquareRoot);
        Doubles(table, Code.Sqrtpd_xmm_xmmm128, Code.Sqrtsd_xmm_xmmm64, &DoubleOperations.SquareRoot);
        Singles(table, Code.Minps_xmm_xmmm128, Code.Minss_xmm_xmmm32, &SingleOperations.Minimum);
        Doubles(table, Code.Minpd_xmm_xmmm128, Code.Minsd_xmm_xmmm64, &DoubleOperations.Minimum);
        Singles(table, Code.Maxps_xmm_xmmm128, Code.Maxss_xmm_xmmm32, &SingleOperations.Maximum);
        Doubles(table, Code.Maxpd_xmm_xmmm128, Code.Maxsd_xmm_xmmm64, &DoubleOperations.Maximum);
    }

    private static void RegisterWhole(SimdTable table)
    {
        Whole(table, Code.Haddps_xmm_xmmm128, &SingleOperations.AddNeighbours);
        Whole(table, Code.Haddpd_xmm_xmmm128, &DoubleOperations.AddNeighbours);
        Whole(table, Code.Hsubps_xmm_xmmm128, &SingleOperations.SubtractNeighbours);
        Whole(table, Code.Hsubpd_xmm_xmmm128, &DoubleOperations.SubtractNeighbours);
        Whole(table, Code.Addsubps_xmm_xmmm128, &SingleOperations.SubtractAndAdd);
        Whole(table, Code.Addsubpd_xmm_xmmm128, &DoubleOperations.SubtractAndAdd);
        Whole(table, Code.Cmpps_xmm_xmmm128_imm8, &SingleOperations.CompareAll);
        Whole(table, Code.Cmpss_xmm_xmmm32_imm8, &SingleOperations.CompareLow);
        Whole(table, Code.Cmppd_xmm_xmmm128_imm8, &DoubleOperations.CompareAll);
        Whole(table, Code.Cmpsd_xmm_xmmm64_imm8, &DoubleOperations.CompareLow);
        Whole(table, Code.Roundps_xmm_xmmm128_imm8, &SingleOperations.RoundAll);
        Whole(table, Code.Roundss_xmm_xmmm32_imm8, &SingleOperations.RoundLow);
        Whole(table, Code.Roundpd_xmm_xmmm128_imm8, &DoubleOperations.RoundAll);
        Whole(table, Code.Roundsd_xmm_xmmm64_imm8, &DoubleOperations.RoundLow);
    }

    private static void RegisterOrders(SimdTable table)
    {
        delegate* managed<Bytes, Bytes, ref FloatContext, FloatOrder> kernel = &SingleOperations.CompareOrdered;
        table.Add(Code.Comiss_xmm_xmmm32, &FloatForms.Compare, kernel);
        kernel = &SingleOperations.CompareUnordered;
        table.Add(Code.Ucomiss_xmm_xmmm32, &FloatForms.Compare, kernel);
        kernel = &DoubleOperations.CompareOrdered;
        table.Add(Code.Comisd_xmm_xmmm64, &FloatForms.Compare, kernel);
        kernel = &DoubleOperations.CompareUnordered;
        table.Add(Code.Ucomisd_xmm_xmmm64, &FloatForms.Compare, kernel);
    }

    private static void RegisterApproximations(SimdTable table)
    {
        table.Unary(Code.Rcpps_xmm_xmmm128, &Approximation.Reciprocals);
        table.Unary(Code.Rsqrtps_xmm_xmmm128, &Approximation.RootReciprocals);
        table.Binary(Code.Rcpss_xmm_xmmm32, &Approximation.LowReciprocal);
        table.Binary(Code.Rsqrtss_xmm_xmmm32, &Approximation.LowRootReciprocal);
    }

    private static void Singles(
        SimdTable table, Code packed, Code scalar, delegate* managed<uint, uint, ref FloatContext, uint> operation)
    {
        table.Add(packed, &FloatForms.Packed32, operation);
        table.Add(scalar, &FloatForms.Scalar32, operation);
    }

    private static void Doubles(
        SimdTable table, Code packed, Code scalar, delegate* managed<ulong, ulong, ref FloatContext, ulong> operation)
    {
        table.Add(packed, &FloatForms.Packed64, operation);
        table.Add(scalar, &FloatForms.Scalar64, operation);
    }

    private static void Whole(
        SimdTable table, Code code, delegate* managed<Bytes, Bytes, byte, ref FloatContext, Bytes> kernel) =>
        table.Add(code, &FloatForms.Whole, kernel);
}
