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
        switch (instruction.Code)
        {
            case Iced.Intel.Code.Push_r64:
                Push(translation);
                Store(translation, translation.Read(instruction.Op0Register, HostLayout.Value));
                return true;
            case Iced.Intel.Code.Pushq_imm8 or Iced.Intel.Code.Pushq_imm32:
                Push(translation);
                translation.Code.Constant(HostLayout.Value, instruction.GetImmediate(0));
                Store(translation, HostLayout.Value);
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

    /// <summary>Leaves the host address of a new slot in <see cref="HostLayout.Address"/>; RSP does not move yet.
    /// </summary>
    public static void Push(BlockTranslation translation)
    {
        translation.Code.Memory(HostOpcode.Lea, 8, HostLayout.Address, new HostOperand(s_pointer, -SlotBytes));
        translation.Probe(SlotBytes, isWrite: true);
    }

    /// <summary>Writes the new slot and moves RSP.</summary>
    public static void Store(BlockTranslation translation, HostRegister value)
    {
        translation.Code.Store(new HostOperand(HostLayout.Address, 0), value);
        Move(translation, -SlotBytes);
    }

    /// <summary>Loads what is on top of the stack into a register, without removing it.</summary>
    public static void LoadTop(BlockTranslation translation, HostRegister to)
    {
        translation.Code.Move(HostLayout.Address, s_pointer);
        translation.Probe(SlotBytes, isWrite: false);
        translation.Code.Load(to, new HostOperand(HostLayout.Address, 0));
    }

    public static void Move(BlockTranslation translation, int bytes) =>
        translation.Code.Memory(HostOpcode.Lea, 8, s_pointer, new HostOperand(s_pointer, bytes));

    private static void EmitPushMemory(BlockTranslation translation)
    {
        HostOperand kept = HostLayout.Field(HostLayout.KeptOffset);
        translation.Access(SlotBytes, isWrite: false);
        translation.Code.Load(HostLayout.Value, new HostOperand(HostLayout.Address, 0));
        translation.Code.Store(kept, HostLayout.Value);
        Push(translation);
        translation.Code.Load(HostLayout.Value, kept);
        Store(translation, HostLayout.Value);
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
        translation.Code.Move(HostLayout.Address, frame);
        translation.Probe(SlotBytes, isWrite: false);
        translation.Code.Memory(HostOpcode.Lea, 8, s_pointer, new HostOperand(frame, SlotBytes));
        translation.Code.Load(frame, new HostOperand(HostLayout.Address, 0));
    }
}
