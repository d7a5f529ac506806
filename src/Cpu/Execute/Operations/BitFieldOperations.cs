// SPDX-License-Identifier: Apache-2.0

using System.Numerics;
using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: operands are reached through GeneralOperand.

/// <summary>BMI1 and BMI2 but TZCNT: VEX-encoded, on 32 and 64 bits. #UD in real and virtual-8086 mode.</summary>
/// <remarks>Undefined flags: ANDN, BLSI, BLSMSK, BLSR and BZHI set PF by the result and clear AF; BEXTR sets SF and
/// PF by the result and clears AF. Source: Intel SDM vol. 2, "ANDN", "BEXTR", "BLSI", "BLSMSK", "BLSR", "BZHI",
/// "MULX", "PDEP", "PEXT", "RORX", "SARX/SHLX/SHRX", and table 2-29, "Exceptions of VEX-Encoded GPR
/// Instructions".</remarks>
internal static unsafe class BitFieldOperations
{
    private const byte RdxOffset = 16;

    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Andn, &AndNot, GuestFeature.Bmi1);
        table.Add(Mnemonic.Bextr, &Extract, GuestFeature.Bmi1);
        table.Add(Mnemonic.Blsi, &IsolateLowest, GuestFeature.Bmi1);
        table.Add(Mnemonic.Blsmsk, &MaskToLowest, GuestFeature.Bmi1);
        table.Add(Mnemonic.Blsr, &ResetLowest, GuestFeature.Bmi1);
        table.Add(Mnemonic.Bzhi, &ZeroHigh, GuestFeature.Bmi2);
        table.Add(Mnemonic.Mulx, &Multiply, GuestFeature.Bmi2);
        table.Add(Mnemonic.Pdep, &Deposit, GuestFeature.Bmi2);
        table.Add(Mnemonic.Pext, &Gather, GuestFeature.Bmi2);
        table.Add(Mnemonic.Rorx, &RotateRight, GuestFeature.Bmi2);
        table.Add(Mnemonic.Sarx, &ShiftArithmetic, GuestFeature.Bmi2);
        table.Add(Mnemonic.Shlx, &ShiftLeft, GuestFeature.Bmi2);
        table.Add(Mnemonic.Shrx, &ShiftRight, GuestFeature.Bmi2);
    }

    private static Outcome AndNot(CpuState* state, Uop* uop) =>
        TryRead(state, uop, out ulong first, out ulong second)
            ? Finish(state, uop, ~first & second, carry: false)
            : Outcome.NotRetired;

    /// <summary>The start is in bits 7:0 of the third operand, the length in bits 15:8.</summary>
    private static Outcome Extract(CpuState* state, Uop* uop)
    {
        if (!TryRead(state, uop, out ulong source, out ulong control))
        {
            return Outcome.NotRetired;
        }

        int start = (byte)control;
        int length = (byte)(control >> 8);
        ulong shifted = start < GeneralOperand.Bits(uop) ? source >> start : 0;
        return Finish(state, uop, length < 64 ? GeneralOperand.Cut(shifted, length) : shifted, carry: false);
    }

    private static Outcome IsolateLowest(CpuState* state, Uop* uop) =>
        TryReadSource(state, uop, out ulong source)
            ? Finish(state, uop, source & (0 - source), carry: source != 0)
            : Outcome.NotRetired;

    private static Outcome MaskToLowest(CpuState* state, Uop* uop) =>
        TryReadSource(state, uop, out ulong source)
            ? Finish(state, uop, source ^ (source - 1), carry: source == 0)
            : Outcome.NotRetired;

    private static Outcome ResetLowest(CpuState* state, Uop* uop) =>
        TryReadSource(state, uop, out ulong source)
            ? Finish(state, uop, source & (source - 1), carry: source == 0)
            : Outcome.NotRetired;

    private static Outcome ZeroHigh(CpuState* state, Uop* uop)
    {
        if (!TryRead(state, uop, out ulong source, out ulong control))
        {
            return Outcome.NotRetired;
        }

        int first = (byte)control;
        bool isBeyond = first >= GeneralOperand.Bits(uop);
        return Finish(state, uop, isBeyond ? source : GeneralOperand.Cut(source, first), carry: isBeyond);
    }

    /// <summary>RDX times the third operand: the low half into the second, then the high half into the first.</summary>
    private static Outcome Multiply(CpuState* state, Uop* uop)
    {
        if (IsUndefined(state))
        {
            return Faults.Undefined(state);
        }

        if (!GeneralOperand.TryReadThird(state, uop, out ulong right))
        {
            return Outcome.NotRetired;
        }

        int bytes = GeneralOperand.Bytes(uop);
        UInt128 product = (UInt128)RegisterFile.Read(state, RdxOffset, bytes) * right;
        RegisterFile.Write(state, uop->Source, bytes, (ulong)product);
        RegisterFile.Write(state, uop->Destination, bytes, (ulong)(product >> GeneralOperand.Bits(uop)));
        return Outcome.Next;
    }

    private static Outcome Deposit(CpuState* state, Uop* uop)
    {
        if (!TryRead(state, uop, out ulong source, out ulong mask))
        {
            return Outcome.NotRetired;
        }

        ulong result = 0;
        for (; mask != 0; mask &= mask - 1)
        {
            result |= (source & 1) << BitOperations.TrailingZeroCount(mask);
            source >>= 1;
        }

        return Store(state, uop, result);
    }

    private static Outcome Gather(CpuState* state, Uop* uop)
    {
        if (!TryRead(state, uop, out ulong source, out ulong mask))
        {
            return Outcome.NotRetired;
        }

        ulong result = 0;
        for (int position = 0; mask != 0; mask &= mask - 1)
        {
            result |= (source >> BitOperations.TrailingZeroCount(mask) & 1) << position;
            position++;
        }

        return Store(state, uop, result);
    }

    private static Outcome RotateRight(CpuState* state, Uop* uop)
    {
        if (!TryReadSource(state, uop, out ulong source))
        {
            return Outcome.NotRetired;
        }

        int count = (int)uop->Immediate;
        return Store(state, uop, GeneralOperand.Bits(uop) == 64
            ? BitOperations.RotateRight(source, count)
            : BitOperations.RotateRight((uint)source, count));
    }

    private static Outcome ShiftArithmetic(CpuState* state, Uop* uop)
    {
        int bits = GeneralOperand.Bits(uop);
        return TryRead(state, uop, out ulong source, out ulong count)
            ? Store(state, uop, (ulong)(GeneralOperand.Extend(source, bits) >> Count(count, bits)))
            : Outcome.NotRetired;
    }

    private static Outcome ShiftLeft(CpuState* state, Uop* uop) =>
        TryRead(state, uop, out ulong source, out ulong count)
            ? Store(state, uop, source << Count(count, GeneralOperand.Bits(uop)))
            : Outcome.NotRetired;

    private static Outcome ShiftRight(CpuState* state, Uop* uop) =>
        TryRead(state, uop, out ulong source, out ulong count)
            ? Store(state, uop, source >> Count(count, GeneralOperand.Bits(uop)))
            : Outcome.NotRetired;

    private static int Count(ulong operand, int bits) => (int)operand & (bits - 1);

    private static bool IsUndefined(CpuState* state) =>
        state->Mode is CpuMode.Real16 or CpuMode.Real32 or CpuMode.Virtual8086;

    private static bool TryReadSource(CpuState* state, Uop* uop, out ulong source)
    {
        if (IsUndefined(state))
        {
            source = 0;
            Faults.Undefined(state);
            return false;
        }

        return GeneralOperand.TryReadSource(state, uop, out source);
    }

    /// <summary>Reads the second and third operand, one of which may be memory.</summary>
    private static bool TryRead(CpuState* state, Uop* uop, out ulong second, out ulong third)
    {
        third = 0;
        return TryReadSource(state, uop, out second) && GeneralOperand.TryReadThird(state, uop, out third);
    }

    private static Outcome Store(CpuState* state, Uop* uop, ulong result)
    {
        RegisterFile.Write(state, uop->Destination, GeneralOperand.Bytes(uop), result);
        return Outcome.Next;
    }

    private static Outcome Finish(CpuState* state, Uop* uop, ulong result, bool carry)
    {
        ulong extended = (ulong)GeneralOperand.Extend(result, GeneralOperand.Bits(uop));
        LazyFlags.Set(state, extended, GeneralOperand.Shape(uop), carry, overflow: false);
        return Store(state, uop, result);
    }
}
