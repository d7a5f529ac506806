// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Hot;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: operands are reached through GeneralOperand and StackAccess.

/// <summary>Near branches in the modes and sizes that have no handler of their own, and LOOP and JCXZ.</summary>
/// <remarks>A target outside of the limit of CS, or not canonical, is #GP at the branch. Source: Intel SDM vol. 2,
/// "JMP",
/// "CALL", "RET", "LOOP/LOOPcc", "Jcc".</remarks>
internal static unsafe class BranchOperations
{
    public static void Register(InstructionTable table)
    {
        table.AddLast(Mnemonic.Loop, &Loop);
        table.AddLast(Mnemonic.Loope, &LoopEqual);
        table.AddLast(Mnemonic.Loopne, &LoopNotEqual);
        table.AddLast(Mnemonic.Jcxz, &JumpIfCountZero);
        table.AddLast(Mnemonic.Jecxz, &JumpIfCountZero);
        table.AddLast(Mnemonic.Jrcxz, &JumpIfCountZero);
    }

    /// <summary>JMP to an immediate.</summary>
    public static Outcome JumpDirect(CpuState* state, Uop* uop) => JumpTo(state, uop->Immediate);

    /// <summary>JMP to a register or memory.</summary>
    public static Outcome JumpIndirect(CpuState* state, Uop* uop) =>
        GeneralOperand.TryReadDestination(state, uop, out ulong target) ? JumpTo(state, target) : Outcome.NotRetired;

    public static Outcome CallDirect(CpuState* state, Uop* uop) => Call(state, uop, uop->Immediate);

    public static Outcome CallIndirect(CpuState* state, Uop* uop) =>
        GeneralOperand.TryReadDestination(state, uop, out ulong target)
            ? Call(state, uop, target)
            : Outcome.NotRetired;

    /// <summary>RET, with the number of bytes to drop in the immediate.</summary>
    public static Outcome Return(CpuState* state, Uop* uop)
    {
        int bytes = GeneralOperand.Bytes(uop);
        if (!StackAccess.TryPeek(state, offsetBytes: 0, bytes, out ulong target))
        {
            return Outcome.NotRetired;
        }

        Outcome outcome = JumpTo(state, target);
        if (outcome == Outcome.Jumped)
        {
            StackAccess.Drop(state, bytes + (ushort)uop->Immediate);
        }

        return outcome;
    }

    /// <summary>Jcc whose target is not canonical.</summary>
    public static Outcome JumpConditional<TCondition>(CpuState* state, Uop* uop)
        where TCondition : struct, ICondition =>
        JumpIf(state, uop, TCondition.Holds(state));

    private static Outcome Call(CpuState* state, Uop* uop, ulong target)
    {
        if (!IsReachable(state, target))
        {
            return Faults.GeneralProtectionFault(state);
        }

        ulong next = Leaving.NextRip(state, uop);
        if (!StackAccess.TryPush(state, next, GeneralOperand.Bytes(uop)))
        {
            return Outcome.NotRetired;
        }

        state->Rip = target;
        return Outcome.Jumped;
    }

    private static Outcome Loop(CpuState* state, Uop* uop) => JumpIf(state, uop, CountDown(state, uop) != 0);

    private static Outcome LoopEqual(CpuState* state, Uop* uop) =>
        JumpIf(state, uop, CountDown(state, uop) != 0 && LazyFlags.Zero(state));

    private static Outcome LoopNotEqual(CpuState* state, Uop* uop) =>
        JumpIf(state, uop, CountDown(state, uop) != 0 && !LazyFlags.Zero(state));

    private static Outcome JumpIfCountZero(CpuState* state, Uop* uop) =>
        JumpIf(state, uop, MemoryReference.Cut(state->Rcx, uop->AddressBits) == 0);

    private static ulong CountDown(CpuState* state, Uop* uop)
    {
        ulong count = MemoryReference.Cut(state->Rcx - 1, uop->AddressBits);
        if (IsReachable(state, uop->Immediate))
        {
            AddressRegister.Write(&state->Rcx, uop->AddressBits, count);
        }

        return count;
    }

    private static Outcome JumpIf(CpuState* state, Uop* uop, bool taken)
    {
        if (taken)
        {
            return JumpTo(state, uop->Immediate);
        }

        state->Rip = Leaving.NextRip(state, uop);
        return Outcome.Jumped;
    }

    private static Outcome JumpTo(CpuState* state, ulong target)
    {
        if (!IsReachable(state, target))
        {
            return Faults.GeneralProtectionFault(state);
        }

        state->Rip = target;
        return Outcome.Jumped;
    }

    private static bool IsReachable(CpuState* state, ulong target) => state->Mode == CpuMode.Long64
        ? LinearMemory.IsCanonical(target)
        : target <= state->CodeLimit;
}
