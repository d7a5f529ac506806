// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Cpu.Translate;

/// <summary>PUSH and POP of 64 bits, and LEAVE.</summary>
internal static class StackForms
{
    public const int SlotBytes = 8;

    private static readonly HostRegister s_pointer = HostLayout.PinnedOf(Register.RSP);

    /// <summary>Emits the instruction; false, with nothing emitted, if it has no form here.</summary>
    public static bool TryEmit(BlockTranslation translation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        HostOperand slot;
        switch (instruction.Code)
        {
            case Iced.Intel.Code.Push_r64:
                slot = Push(translation);
                Store(translation, slot, translation.Read(instruction.Op0Register, HostLayout.Value));
                return true;
            case Iced.Intel.Code.Pushq_imm8 or Iced.Intel.Code.Pushq_imm32:
                slot = Push(translation);
                translation.Code.Constant(HostLayout.Value, instruction.GetImmediate(0));
                Store(translation, slot, HostLayout.Value);
                return true;
            case Iced.Intel.Code.Push_rm64 when instruction.Op0Kind == OpKind.Memory:
                EmitPushMemory(translation);
                return true;
            case Iced.Intel.Code.Pop_r64:
                EmitPop(translation);
                return true;
            case Iced.Intel.Code.Leaveq:
                EmitLeave(translation);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Makes sure of a new slot; RSP does not move yet.</summary>
    /// <returns>The slot, for <see cref="Store"/>; <see cref="HostLayout.Address"/> has to stay.</returns>
    public static HostOperand Push(BlockTranslation translation) =>
        translation.Reach(new HostOperand(s_pointer, -SlotBytes), SlotBytes, isWrite: true);

    /// <summary>Writes the new slot and moves RSP.</summary>
    public static void Store(BlockTranslation translation, in HostOperand slot, HostRegister value)
    {
        translation.Code.Store(slot, value);
        Move(translation, -SlotBytes);
    }

    /// <summary>Loads what is on top of the stack into a register, without removing it.</summary>
    public static void LoadTop(BlockTranslation translation, HostRegister to)
    {
        HostOperand top = translation.Reach(new HostOperand(s_pointer, 0), SlotBytes, isWrite: false);
        translation.Code.Load(to, top);
    }

    public static void Move(BlockTranslation translation, int bytes) =>
        translation.Code.Memory(HostOpcode.Lea, 8, s_pointer, new HostOperand(s_pointer, bytes));

    private static void EmitPushMemory(BlockTranslation translation)
    {
        HostOperand kept = HostLayout.Field(HostLayout.KeptOffset);
        HostOperand operand = translation.Reach(SlotBytes, isWrite: false);
        translation.Code.Load(HostLayout.Value, operand);
        translation.Code.Store(kept, HostLayout.Value);
        HostOperand slot = Push(translation);
        translation.Code.Load(HostLayout.Value, kept);
        Store(translation, slot, HostLayout.Value);
    }

    private static void EmitPop(BlockTranslation translation)
    {
        Register to = translation.Instruction.Op0Register;
        HostRegister target = HostLayout.IsDirect(to) ? HostLayout.PinnedOf(to) : HostLayout.Value;
        if (target == s_pointer)
        {
            LoadTop(translation, target);
            return;
        }

        LoadTop(translation, target);
        Move(translation, SlotBytes);
        if (target == HostLayout.Value)
        {
            translation.Write(to, target);
        }
    }

    private static void EmitLeave(BlockTranslation translation)
    {
        HostRegister frame = HostLayout.PinnedOf(Register.RBP);
        HostOperand saved = translation.Reach(new HostOperand(frame, 0), SlotBytes, isWrite: false);
        translation.Code.Memory(HostOpcode.Lea, 8, s_pointer, new HostOperand(frame, SlotBytes));
        translation.Code.Load(frame, saved);
    }
}
