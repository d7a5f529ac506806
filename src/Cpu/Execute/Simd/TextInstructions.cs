// SPDX-License-Identifier: Apache-2.0

using System.Numerics;
using System.Runtime.Intrinsics;
using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Execute.Simd.Kernels;
using KvmActors.Cpu.State;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see SimdRule.
// SAFETY: operands are reached through VectorOperand and GeneralOperand.

/// <summary>Instructions whose results are general registers and flags: text comparisons, PTEST, CRC32.</summary>
/// <remarks>Source: Intel SDM vol. 2, "PCMPESTRI", "PCMPESTRM", "PCMPISTRI", "PCMPISTRM", "PTEST", "CRC32".</remarks>
internal static unsafe class TextInstructions
{
    private const byte LastOrMask = 1 << 6;
    private const byte WordFormat = 1;
    private const int RegisterBytes = 8;

    public static void Register(SimdTable table)
    {
        table.Add(Code.Pcmpestri_xmm_xmmm128_imm8, &IndexWithLengths32);
        table.Add(Code.Pcmpestri64_xmm_xmmm128_imm8, &IndexWithLengths64);
        table.Add(Code.Pcmpistri_xmm_xmmm128_imm8, &IndexToZero);
        table.Add(Code.Pcmpestrm_xmm_xmmm128_imm8, &MaskWithLengths32);
        table.Add(Code.Pcmpestrm64_xmm_xmmm128_imm8, &MaskWithLengths64);
        table.Add(Code.Pcmpistrm_xmm_xmmm128_imm8, &MaskToZero);
        table.Add(Code.Ptest_xmm_xmmm128, &Test);
        table.Add(Code.Crc32_r32_rm8, &AddToSum);
        table.Add(Code.Crc32_r64_rm8, &AddToSum);
        table.Add(Code.Crc32_r32_rm16, &AddToSum);
        table.Add(Code.Crc32_r32_rm32, &AddToSum);
        table.Add(Code.Crc32_r64_rm64, &AddToSum);
    }

    private static Outcome IndexWithLengths32(CpuState* state, Uop* uop) =>
        Index(state, uop, (int)state->Rax, (int)state->Rdx);

    private static Outcome IndexWithLengths64(CpuState* state, Uop* uop) =>
        Index(state, uop, (long)state->Rax, (long)state->Rdx);

    private static Outcome IndexToZero(CpuState* state, Uop* uop) => Index(state, uop, null, null);

    private static Outcome MaskWithLengths32(CpuState* state, Uop* uop) =>
        Mask(state, uop, (int)state->Rax, (int)state->Rdx);

    private static Outcome MaskWithLengths64(CpuState* state, Uop* uop) =>
        Mask(state, uop, (long)state->Rax, (long)state->Rdx);

    private static Outcome MaskToZero(CpuState* state, Uop* uop) => Mask(state, uop, null, null);

    private static Outcome Index(CpuState* state, Uop* uop, long? firstLength, long? secondLength)
    {
        if (!TryCompare(state, uop, firstLength, secondLength, out TextComparison comparison, out Outcome refusal))
        {
            return refusal;
        }

        uint result = comparison.Result();
        state->Rcx = result == 0 ? (uint)comparison.Elements
            : (uop->Detail & LastOrMask) != 0 ? (uint)BitOperations.Log2(result)
            : (uint)BitOperations.TrailingZeroCount(result);
        SetFlags(state, comparison, result);
        return Outcome.Next;
    }

    private static Outcome Mask(CpuState* state, Uop* uop, long? firstLength, long? secondLength)
    {
        if (!TryCompare(state, uop, firstLength, secondLength, out TextComparison comparison, out Outcome refusal))
        {
            return refusal;
        }

        uint result = comparison.Result();
        *XmmRegisters.At(state, 0) = (uop->Detail & LastOrMask) == 0
            ? Vector128.CreateScalar(result).AsByte()
            : Widened(result, (uop->Detail & WordFormat) != 0);
        SetFlags(state, comparison, result);
        return Outcome.Next;
    }

    private static bool TryCompare(
        CpuState* state,
        Uop* uop,
        long? firstLength,
        long? secondLength,
        out TextComparison comparison,
        out Outcome refusal)
    {
        refusal = Outcome.NotRetired;
        comparison = default;
        if (!SimdAvailability.HasSse(state))
        {
            refusal = SimdAvailability.RefuseSse(state);
            return false;
        }

        if (!VectorOperand.TryReadXmm(state, uop, out Bytes second))
        {
            return false;
        }

        Bytes first = *XmmRegisters.At(state, uop->Destination);
        comparison = new TextComparison(
            first,
            second,
            firstLength ?? TextComparison.ImplicitLength(first, uop->Detail),
            secondLength ?? TextComparison.ImplicitLength(second, uop->Detail),
            uop->Detail);
        return true;
    }

    private static Bytes Widened(uint result, bool isWords)
    {
        Bytes mask = default;
        for (int place = 0; place < Bytes.Count; place++)
        {
            bool isSet = ((result >> (isWords ? place / 2 : place)) & 1) != 0;
            mask = mask.WithElement(place, isSet ? byte.MaxValue : (byte)0);
        }

        return mask;
    }

    private static void SetFlags(CpuState* state, in TextComparison comparison, uint result) => LazyFlags.WriteStatus(
        state,
        (result != 0 ? RFlags.Carry : 0)
        | (comparison.SecondLength < comparison.Elements ? RFlags.Zero : 0)
        | (comparison.FirstLength < comparison.Elements ? RFlags.Sign : 0)
        | ((result & 1) != 0 ? RFlags.Overflow : 0));

    private static Outcome Test(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasSse(state))
        {
            return SimdAvailability.RefuseSse(state);
        }

        if (!VectorOperand.TryReadXmm(state, uop, out Bytes source))
        {
            return Outcome.NotRetired;
        }

        Bytes destination = *XmmRegisters.At(state, uop->Destination);
        bool nothingCommon = (destination & source) == Bytes.Zero;
        bool nothingMore = PackedCompare.AndNot(destination, source) == Bytes.Zero;
        LazyFlags.WriteStatus(state, (nothingCommon ? RFlags.Zero : 0) | (nothingMore ? RFlags.Carry : 0));
        return Outcome.Next;
    }

    private static Outcome AddToSum(CpuState* state, Uop* uop)
    {
        if (!GeneralOperand.TryReadSource(state, uop, out ulong value))
        {
            return Outcome.NotRetired;
        }

        uint sum = (uint)RegisterFile.Read(state, uop->Destination, RegisterBytes);
        RegisterFile.Write(state, uop->Destination, RegisterBytes, Crc32C.Add(sum, value, GeneralOperand.Bytes(uop)));
        return Outcome.Next;
    }
}
