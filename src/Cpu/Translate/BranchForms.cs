// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Memory;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: see HostAssembler.
// SAFETY: see BlockTranslation.

/// <summary>JMP, CALL, RET and Jcc of 64-bit mode: the ends of blocks.</summary>
/// <remarks>Where a block goes is decided as in the interpreter: inside a page by a link, else by the jump cache, or
/// what is known of it (<see cref="JumpForms"/>). If the jump cache has no host code for a target that is not in the
/// instruction, the interpreter executes that, so that nothing has to be checked here.</remarks>
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
                int dropped = instruction.Code == Iced.Intel.Code.Retnq ? 0 : (int)instruction.GetImmediate(0);
                JumpForms.Return(translation, StackForms.SlotBytes + dropped);
                break;
            case Iced.Intel.Code.Jmp_rm64:
                LoadTarget(translation);
                JumpForms.Find(translation);
                translation.Code.JumpTo(HostLayout.Value);
                break;
            case Iced.Intel.Code.Call_rm64:
                EmitCallIndirect(translation);
                break;
            default:
                return instruction.Code.IsJccShortOrNear() && TryEmitConditional(translation);
        }

        translation.HasEnded = true;
        return true;
    }

    /// <summary>Ends a block behind its last instruction.</summary>
    public static void FallThrough(BlockTranslation translation) =>
        GoTo(translation, translation.Instruction.NextIP, isTaken: false);

    /// <summary>Ends a block that leads to an address.</summary>
    private static void GoTo(BlockTranslation translation, ulong rip, bool isTaken)
    {
        if (IsInSamePage(translation.Instruction, rip))
        {
            translation.Edge(translation.Code.Jump(), rip, isTaken);
        }
        else
        {
            JumpForms.GoTo(translation, rip);
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

        if (isCall)
        {
            PushReturnAddress(translation);
        }

        GoTo(translation, target, isTaken: true);
        translation.HasEnded = true;
        return true;
    }

    private static void PushReturnAddress(BlockTranslation translation)
    {
        HostOperand slot = StackForms.Push(translation);
        translation.Code.Constant(HostLayout.Third, translation.Instruction.NextIP);
        StackForms.Store(translation, slot, HostLayout.Third);
        JumpForms.NoteCall(translation);
    }

    private static void EmitCallIndirect(BlockTranslation translation)
    {
        HostOperand kept = HostLayout.Field(HostLayout.KeptOffset);
        LoadTarget(translation);
        JumpForms.Find(translation);
        translation.Code.Store(kept, HostLayout.Value);
        PushReturnAddress(translation);
        translation.Code.Load(HostLayout.Value, kept);
        translation.Code.JumpTo(HostLayout.Value);
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

        GoTo(translation, next, isTaken: false);
        HostAssembler.SetTarget(taken, code.Position);
        GoTo(translation, target, isTaken: true);
        return true;
    }
}
