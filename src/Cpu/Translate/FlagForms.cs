// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: see HostAssembler.
// SAFETY: see BlockTranslation.

/// <summary>CLC, STC, CMC, CLD, STD, CLI of the supervisor, and PUSHFQ.</summary>
internal static unsafe class FlagForms
{
    /// <summary>Emits the instruction; false, with nothing emitted, if it has no form here.</summary>
    public static bool TryEmit(BlockTranslation translation)
    {
        Mnemonic mnemonic = translation.Instruction.Mnemonic;
        switch (mnemonic)
        {
            case Mnemonic.Clc or Mnemonic.Stc or Mnemonic.Cmc:
                FlagCode.ChangeCarry(translation.Code, mnemonic);
                break;
            case Mnemonic.Cld:
                Change(translation, HostOpcode.And, ~RFlags.Direction);
                break;
            case Mnemonic.Std:
                Change(translation, HostOpcode.Or, RFlags.Direction);
                break;
            case Mnemonic.Cli:
                translation.Code.Arithmetic(
                    HostOpcode.Compare, 4, HostLayout.Field(HostLayout.PrivilegeOffset), 0);
                translation.Step(translation.Code.JumpIf(HostCondition.NotZero));
                Change(translation, HostOpcode.And, ~RFlags.Interrupt);
                break;
            case Mnemonic.Pushfq:
                EmitPush(translation);
                break;
            default:
                return false;
        }

        translation.HostFlags = StatusFlags.None;
        return true;
    }

    private static void Change(BlockTranslation translation, int operation, ulong mask) =>
        translation.Code.Arithmetic(
            operation, 8, HostLayout.Field(HostLayout.SystemFlagsOffset), (int)mask);

    /// <summary>RF and VM are clear whenever host code runs.</summary>
    private static void EmitPush(BlockTranslation translation)
    {
        HostOperand kept = HostLayout.Field(HostLayout.KeptOffset);
        FlagCode.FormStatus(translation.Code, HostLayout.Address, HostLayout.Value);
        translation.Code.Memory(
            HostOpcode.FromRm(HostOpcode.Or), 8, HostLayout.Address, HostLayout.Field(HostLayout.SystemFlagsOffset));
        translation.Code.Store(kept, HostLayout.Address);
        HostOperand slot = StackForms.Push(translation);
        translation.Code.Load(HostLayout.Value, kept);
        StackForms.Store(translation, slot, HostLayout.Value);
    }
}
