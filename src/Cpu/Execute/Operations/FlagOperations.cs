// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: touches only flags and registers of the state.

/// <summary>Instructions that set, clear or move flags.</summary>
/// <remarks>Source: Intel SDM vol. 2, "CLI", "STI", "PUSHF", "POPF", "LAHF", "SAHF".</remarks>
internal static unsafe class FlagOperations
{
    private const ulong LowByteFlags =
        RFlags.Carry | RFlags.Parity | RFlags.Auxiliary | RFlags.Zero | RFlags.Sign;

    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Clc, &ClearCarry);
        table.Add(Mnemonic.Stc, &SetCarry);
        table.Add(Mnemonic.Cmc, &ComplementCarry);
        table.Add(Mnemonic.Cld, &ClearDirection);
        table.Add(Mnemonic.Std, &SetDirection);
        table.Add(Mnemonic.Lahf, &LoadFlags);
        table.Add(Mnemonic.Sahf, &StoreFlags);
        table.Add(Mnemonic.Cli, &ClearInterrupt);
        table.AddLast(Mnemonic.Sti, &SetInterrupt);
        table.Add(Mnemonic.Pushf, &PushFlags);
        table.Add(Mnemonic.Pushfd, &PushFlags);
        table.Add(Mnemonic.Pushfq, &PushFlags);
        table.AddLast(Mnemonic.Popf, &PopFlags);
        table.AddLast(Mnemonic.Popfd, &PopFlags);
        table.AddLast(Mnemonic.Popfq, &PopFlags);
        table.AddLast(Mnemonic.Clac, &ClearAlignmentCheck, GuestFeature.Smap);
        table.AddLast(Mnemonic.Stac, &SetAlignmentCheck, GuestFeature.Smap);
    }

    private static Outcome ClearCarry(CpuState* state, Uop* uop)
    {
        LazyFlags.SetCarry(state, carry: false);
        return Outcome.Next;
    }

    private static Outcome SetCarry(CpuState* state, Uop* uop)
    {
        LazyFlags.SetCarry(state, carry: true);
        return Outcome.Next;
    }

    private static Outcome ComplementCarry(CpuState* state, Uop* uop)
    {
        LazyFlags.SetCarry(state, !LazyFlags.Carry(state));
        return Outcome.Next;
    }

    private static Outcome ClearDirection(CpuState* state, Uop* uop)
    {
        state->SystemFlags &= ~RFlags.Direction;
        return Outcome.Next;
    }

    private static Outcome SetDirection(CpuState* state, Uop* uop)
    {
        state->SystemFlags |= RFlags.Direction;
        return Outcome.Next;
    }

    private static Outcome LoadFlags(CpuState* state, Uop* uop)
    {
        ((byte*)&state->Rax)[1] = (byte)((LazyFlags.ReadStatus(state) & LowByteFlags) | RFlags.AlwaysOne);
        return Outcome.Next;
    }

    private static Outcome StoreFlags(CpuState* state, Uop* uop)
    {
        ulong loaded = ((byte*)&state->Rax)[1] & LowByteFlags;
        LazyFlags.WriteStatus(state, loaded | (LazyFlags.ReadStatus(state) & RFlags.Overflow));
        return Outcome.Next;
    }

    private static Outcome ClearInterrupt(CpuState* state, Uop* uop)
    {
        if (!MayChangeInterrupt(state))
        {
            return Faults.GeneralProtectionFault(state);
        }

        state->SystemFlags &= ~RFlags.Interrupt;
        return Outcome.Next;
    }

    private static Outcome SetInterrupt(CpuState* state, Uop* uop)
    {
        if (!MayChangeInterrupt(state))
        {
            return Faults.GeneralProtectionFault(state);
        }

        if ((state->SystemFlags & RFlags.Interrupt) == 0)
        {
            state->SystemFlags |= RFlags.Interrupt;
            state->InterruptShadow = ModeControl.ShadowOfSti;
            ModeControl.RefreshFlags(state);
        }

        return Outcome.Next;
    }

    private static bool MayChangeInterrupt(CpuState* state) =>
        state->Cpl <= FlagLoading.IoPrivilege(state) || !FlagLoading.HasPrivileges(state);

    private static Outcome PushFlags(CpuState* state, Uop* uop)
    {
        if (FlagLoading.IsVirtual8086Denied(state))
        {
            return Faults.GeneralProtectionFault(state);
        }

        // The image has VM and RF clear.
        ulong image = LazyFlags.Read(state) & ~(RFlags.Resume | RFlags.Virtual8086);
        return StackAccess.TryPush(state, image, GeneralOperand.Bytes(uop)) ? Outcome.Next : Outcome.NotRetired;
    }

    private static Outcome PopFlags(CpuState* state, Uop* uop)
    {
        if (FlagLoading.IsVirtual8086Denied(state))
        {
            return Faults.GeneralProtectionFault(state);
        }

        int bytes = GeneralOperand.Bytes(uop);
        if (!StackAccess.TryPeek(state, offsetBytes: 0, bytes, out ulong image))
        {
            return Outcome.NotRetired;
        }

        StackAccess.Drop(state, bytes);
        FlagLoading.Load(state, image & ~RFlags.Resume, bytes, state->Cpl);
        return Outcome.Next;
    }

    private static Outcome ClearAlignmentCheck(CpuState* state, Uop* uop) => ChangeAlignmentCheck(state, 0);

    private static Outcome SetAlignmentCheck(CpuState* state, Uop* uop) =>
        ChangeAlignmentCheck(state, RFlags.AlignmentCheck);

    private static Outcome ChangeAlignmentCheck(CpuState* state, ulong bit)
    {
        if (state->Cpl != 0)
        {
            return Faults.Undefined(state);
        }

        state->SystemFlags = (state->SystemFlags & ~RFlags.AlignmentCheck) | bit;
        ModeControl.RefreshFlags(state);
        return Outcome.Next;
    }
}
