// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Memory;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: see HostAssembler.
// SAFETY: see BlockTranslation.

/// <summary>JMP, CALL, RET and Jcc of 64-bit mode: the ends of blocks.</summary>
/// <remarks>Where a block goes is decided as in the interpreter: inside a page by a link, else by the jump cache. If
/// the jump cache has no host code for the target, the interpreter executes the instruction, so that nothing has to be
/// checked here.</remarks>
internal static unsafe class BranchForms
{
    /// <summary>Emits the instruction; false, with nothing emitted, if it has no form here.</summary>
    public static bool TryEmit(BlockTranslation translation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        switch (instruction.Code)
        {
            case Iced.Intel.Code.Jmp_rel8_64 or Iced.Intel.Code.Jmp_rel32_64:
                return TryEmitDirect(translation, isCall: false);
            case Iced.Intel.Code.Call_rel32_64:
                return TryEmitDirect(translation, isCall: true);
            case Iced.Intel.Code.Retnq or Iced.Intel.Code.Retnq_imm16:
                StackForms.LoadTop(translation, HostLayout.Address);
                JumpLookUp.Find(translation);
                int dropped = instruction.Code == Iced.Intel.Code.Retnq ? 0 : (int)instruction.GetImmediate(0);
                StackForms.Move(translation, StackForms.SlotBytes + dropped);
                break;
            case Iced.Intel.Code.Jmp_rm64:
                LoadTarget(translation);
                JumpLookUp.Find(translation);
                break;
            case Iced.Intel.Code.Call_rm64:
                EmitCallIndirect(translation);
                break;
            default:
                return instruction.Code.IsJccShortOrNear() && TryEmitConditional(translation);
        }

        translation.Code.JumpTo(HostLayout.Value);
        translation.HasEnded = true;
        return true;
    }

    /// <summary>Ends a block behind its last instruction.</summary>
    public static void FallThrough(BlockTranslation translation)
    {
        ref readonly Instruction last = ref translation.Instruction;
        byte* jump = translation.Code.Jump();
        if (IsInSamePage(last, last.NextIP))
        {
            translation.Edge(jump, last.NextIP, isTaken: false);
        }
        else
        {
            translation.Leave(jump, last.NextIP, refund: 0);
        }
    }

    private static bool IsInSamePage(in Instruction instruction, ulong rip) =>
        rip / GuestMemory.PageBytes == instruction.IP / GuestMemory.PageBytes;

    private static bool TryEmitDirect(BlockTranslation translation, bool isCall)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        ulong target = instruction.NearBranchTarget;
        if (!LinearMemory.IsCanonical(target))
        {
            return false;
        }

        bool isNear = IsInSamePage(instruction, target);
        if (!isNear)
        {
            JumpLookUp.Find(translation, target);
        }

        if (isCall)
        {
            PushReturnAddress(translation, keepsTarget: !isNear);
        }

        if (isNear)
        {
            translation.Edge(translation.Code.Jump(), target, isTaken: true);
        }
        else
        {
            translation.Code.JumpTo(HostLayout.Value);
        }

        translation.HasEnded = true;
        return true;
    }

    /// <summary>With host code to go to in <see cref="HostLayout.Value"/>, if it is to be kept.</summary>
    private static void PushReturnAddress(BlockTranslation translation, bool keepsTarget)
    {
        HostAssembler code = translation.Code;
        HostOperand kept = HostLayout.Field(HostLayout.KeptOffset);
        if (keepsTarget)
        {
            code.Store(kept, HostLayout.Value);
        }

        HostOperand slot = StackForms.Push(translation);
        code.Constant(HostLayout.Third, translation.Instruction.NextIP);
        StackForms.Store(translation, slot, HostLayout.Third);
        if (keepsTarget)
        {
            code.Load(HostLayout.Value, kept);
        }
    }

    private static void EmitCallIndirect(BlockTranslation translation)
    {
        LoadTarget(translation);
        JumpLookUp.Find(translation);
        PushReturnAddress(translation, keepsTarget: true);
    }

    private static void LoadTarget(BlockTranslation translation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        if (instruction.Op0Kind == OpKind.Memory)
        {
            HostOperand operand = translation.Reach(StackForms.SlotBytes, isWrite: false);
            translation.Code.Load(HostLayout.Address, operand);
        }
        else
        {
            translation.Load(instruction.Op0Register, HostLayout.Address);
        }
    }

    private static bool TryEmitConditional(BlockTranslation translation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        ulong target = instruction.NearBranchTarget;
        ulong next = instruction.NextIP;
        if (!LinearMemory.IsCanonical(target))
        {
            return false;
        }

        HostAssembler code = translation.Code;
        byte* taken = code.JumpIf(FlagCode.Condition(translation, instruction.ConditionCode));
        translation.HasEnded = true;
        if (IsInSamePage(instruction, target) && IsInSamePage(instruction, next))
        {
            translation.Edge(taken, target, isTaken: true);
            translation.Edge(code.Jump(), next, isTaken: false);
            return true;
        }

        JumpLookUp.Find(translation, next);
        code.JumpTo(HostLayout.Value);
        HostAssembler.SetTarget(taken, code.Position);
        JumpLookUp.Find(translation, target);
        code.JumpTo(HostLayout.Value);
        return true;
    }
}
