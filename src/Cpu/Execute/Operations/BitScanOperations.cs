// SPDX-License-Identifier: Apache-2.0

using System.Numerics;
using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: operands are reached through GeneralOperand.

/// <summary>BSF, BSR, TZCNT, LZCNT, POPCNT.</summary>
/// <remarks>BSF and BSR of 0 leave the destination as it is. They set ZF by the source and clear CF, OF, SF, AF and PF,
/// which the manual leaves undefined. Source: Intel SDM vol. 2, "BSF", "BSR", "TZCNT", "LZCNT", "POPCNT".</remarks>
internal static unsafe class BitScanOperations
{
    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Bsf, &ScanForward);
        table.Add(Mnemonic.Bsr, &ScanReverse);
        table.Add(Mnemonic.Popcnt, &CountOnes, GuestFeature.Popcnt);
    }

    private static Outcome ScanForward(CpuState* state, Uop* uop)
    {
        if (!GeneralOperand.TryReadSource(state, uop, out ulong source))
        {
            return Outcome.NotRetired;
        }

        return FinishScan(state, uop, source, BitOperations.TrailingZeroCount(source));
    }

    private static Outcome ScanReverse(CpuState* state, Uop* uop)
    {
        if (!GeneralOperand.TryReadSource(state, uop, out ulong source))
        {
            return Outcome.NotRetired;
        }

        return FinishScan(state, uop, source, source == 0 ? 0 : BitOperations.Log2(source));
    }

    /// <summary>TZCNT; a processor without BMI1 executes BSF.</summary>
    public static Outcome CountTrailingZeros(CpuState* state, Uop* uop)
    {
        if (!GeneralOperand.TryReadSource(state, uop, out ulong source))
        {
            return Outcome.NotRetired;
        }

        int bits = GeneralOperand.Bits(uop);
        int count = Math.Min(BitOperations.TrailingZeroCount(source), bits);
        return FinishCount(state, uop, count, carry: source == 0, zero: count == 0);
    }

    /// <summary>LZCNT; a processor without it executes BSR.</summary>
    public static Outcome CountLeadingZeros(CpuState* state, Uop* uop)
    {
        if (!GeneralOperand.TryReadSource(state, uop, out ulong source))
        {
            return Outcome.NotRetired;
        }

        int count = BitOperations.LeadingZeroCount(source) - (64 - GeneralOperand.Bits(uop));
        return FinishCount(state, uop, count, carry: source == 0, zero: count == 0);
    }

    /// <summary>What TZCNT and LZCNT are on a processor without them.</summary>
    public static Outcome ScanInstead(CpuState* state, Uop* uop) =>
        (Mnemonic)uop->Immediate == Mnemonic.Tzcnt ? ScanForward(state, uop) : ScanReverse(state, uop);

    private static Outcome CountOnes(CpuState* state, Uop* uop)
    {
        if (!GeneralOperand.TryReadSource(state, uop, out ulong source))
        {
            return Outcome.NotRetired;
        }

        int count = BitOperations.PopCount(source);
        return FinishCount(state, uop, count, carry: false, zero: source == 0);
    }

    private static Outcome FinishScan(CpuState* state, Uop* uop, ulong source, int position)
    {
        if (source != 0)
        {
            RegisterFile.Write(state, uop->Destination, GeneralOperand.Bytes(uop), (ulong)position);
        }

        LazyFlags.WriteStatus(state, source == 0 ? RFlags.Zero : 0);
        return Outcome.Next;
    }

    private static Outcome FinishCount(CpuState* state, Uop* uop, int count, bool carry, bool zero)
    {
        RegisterFile.Write(state, uop->Destination, GeneralOperand.Bytes(uop), (ulong)count);
        LazyFlags.WriteStatus(state, (carry ? RFlags.Carry : 0) | (zero ? RFlags.Zero : 0));
        return Outcome.Next;
    }
}
