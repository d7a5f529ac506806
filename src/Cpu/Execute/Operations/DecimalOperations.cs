// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: touches only RAX and the flags.

/// <summary>The decimal adjustments of 16- and 32-bit code, SALC and XLAT's neighbours AAM and AAD.</summary>
/// <remarks>Undefined flags: AAA and AAS set SF, ZF and PF by AL and clear OF; DAA and DAS clear OF; AAM and AAD clear
/// CF, OF and AF. Source: Intel SDM vol. 2A, "AAA", "AAD", "AAM", "AAS", "DAA", "DAS".</remarks>
internal static unsafe class DecimalOperations
{
    private const int Low = 0x0F;
    private const int Correction = 6;
    private const int HighCorrection = 0x60;
    private const int LargestPair = 0x99;

    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Aaa, &AdjustAfterAdd);
        table.Add(Mnemonic.Aas, &AdjustAfterSubtract);
        table.Add(Mnemonic.Daa, &DecimalAfterAdd);
        table.Add(Mnemonic.Das, &DecimalAfterSubtract);
        table.Add(Mnemonic.Aam, &SplitDigits);
        table.Add(Mnemonic.Aad, &JoinDigits);
        table.Add(Mnemonic.Salc, &SetAlByCarry);
    }

    private static Outcome AdjustAfterAdd(CpuState* state, Uop* uop) => Unpacked(state, direction: 1);

    private static Outcome AdjustAfterSubtract(CpuState* state, Uop* uop) => Unpacked(state, direction: -1);

    private static Outcome Unpacked(CpuState* state, int direction)
    {
        int ax = (ushort)state->Rax;
        bool adjust = (ax & Low) > 9 || LazyFlags.Auxiliary(state);
        if (adjust)
        {
            ax = direction > 0 ? ax + 0x106 : ax - Correction - 0x100;
        }

        *(ushort*)&state->Rax = (ushort)(ax & 0xFF0F);
        Finish(state, (byte)(ax & Low), carry: adjust, auxiliary: adjust);
        return Outcome.Next;
    }

    private static Outcome DecimalAfterAdd(CpuState* state, Uop* uop) => Packed(state, direction: 1);

    private static Outcome DecimalAfterSubtract(CpuState* state, Uop* uop) => Packed(state, direction: -1);

    private static Outcome Packed(CpuState* state, int direction)
    {
        int old = (byte)state->Rax;
        bool oldCarry = LazyFlags.Carry(state);
        bool auxiliary = (old & Low) > 9 || LazyFlags.Auxiliary(state);
        int al = auxiliary ? old + (direction * Correction) : old;
        bool carry = auxiliary && (oldCarry || al is < 0 or > byte.MaxValue);
        if (old > LargestPair || oldCarry)
        {
            al += direction * HighCorrection;
            carry = true;
        }

        *(byte*)&state->Rax = (byte)al;
        Finish(state, (byte)al, carry, auxiliary);
        return Outcome.Next;
    }

    private static Outcome SplitDigits(CpuState* state, Uop* uop)
    {
        byte radix = (byte)uop->Immediate;
        if (radix == 0)
        {
            return Faults.Raise(state, Faults.DivideError);
        }

        byte al = (byte)state->Rax;
        byte remainder = (byte)(al % radix);
        *(ushort*)&state->Rax = (ushort)((al / radix << 8) | remainder);
        Finish(state, remainder, carry: false, auxiliary: false);
        return Outcome.Next;
    }

    private static Outcome JoinDigits(CpuState* state, Uop* uop)
    {
        ushort ax = (ushort)state->Rax;
        byte al = (byte)(ax + ((ax >> 8) * (byte)uop->Immediate));
        *(ushort*)&state->Rax = al;
        Finish(state, al, carry: false, auxiliary: false);
        return Outcome.Next;
    }

    /// <summary>D6 in 16- and 32-bit code: AL becomes all ones if CF is set, else 0. No flag changes.</summary>
    private static Outcome SetAlByCarry(CpuState* state, Uop* uop)
    {
        *(byte*)&state->Rax = LazyFlags.Carry(state) ? byte.MaxValue : (byte)0;
        return Outcome.Next;
    }

    private static void Finish(CpuState* state, byte result, bool carry, bool auxiliary)
    {
        LazyFlags.Set(state, (ulong)(sbyte)result, LazyFlags.Shape8, carry, overflow: false);
        if (auxiliary)
        {
            LazyFlags.SetAuxiliary(state);
        }
    }
}
