// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: see HostAssembler.
// SAFETY: see BlockTranslation.

/// <summary>How host code leads to where no link can: to another page, to where a register says, and back from a call.
/// </summary>
/// <remarks>The interpreter asks the jump cache there. An <see cref="InlineCache"/> holds what it would be told as long
/// as nothing was forgotten there, so that it need not be asked.</remarks>
internal static unsafe class JumpForms
{
    /// <summary>Bytes of <see cref="WriteRetry"/>: LEA, CALL, JE.</summary>
    public const int RetryBytes = 7 + 5 + 6;

    /// <summary>Bytes of <see cref="WriteReturn"/>: CALL, JNE, LEA, JMP.</summary>
    public const int ReturnBytesMax = 5 + 6 + 8 + 2;

    private const int Compare = (HostOpcode.Compare * 8) + 3;

    /// <summary>Goes to an address in another page, with all of the block's instructions done.</summary>
    public static void GoTo(BlockTranslation translation, ulong rip)
    {
        HostAssembler code = translation.Code;
        byte* cache = translation.NewCache(rip);
        byte* start = code.Position;
        code.Load(HostLayout.Value, HostLayout.Field(HostLayout.JumpEpochOffset));
        code.Relative(Compare, 8, HostLayout.Value, cache + InlineCache.EpochOffset);
        byte* isOld = code.JumpIf(HostCondition.NotZero);
        code.Relative(
            HostOpcode.IncrementDecrement,
            4,
            (HostRegister)HostOpcode.JumpIndirect,
            cache + InlineCache.HostCodeOffset);
        translation.Leave(isOld, rip, cache, start);
    }

    /// <summary>Leaves host code for the target in <see cref="HostLayout.Address"/> in <see cref="HostLayout.Value"/>,
    /// or the host code before the instruction.</summary>
    public static void Find(BlockTranslation translation)
    {
        HostAssembler.SetTarget(translation.Code.Call(), translation.Routines.Find);
        translation.Step(translation.Code.JumpIf(HostCondition.NotZero));
        translation.HostFlags = StatusFlags.None;
    }

    /// <summary>The end of a CALL: the return address is on the guest's stack.</summary>
    public static void NoteCall(BlockTranslation translation) =>
        ReturnStack.Push(translation.Code, translation.NewCache(translation.Instruction.NextIP));

    /// <summary>RET, which moves RSP so far.</summary>
    public static void Return(BlockTranslation translation, int stackBytes)
    {
        HostAssembler code = translation.Code;
        StackForms.LoadTop(translation, HostLayout.Address);
        ReturnStack.Peek(code);
        code.Memory(Compare, 8, HostLayout.Address, new HostOperand(HostLayout.Value, InlineCache.RipOffset));
        byte* isOther = code.JumpIf(HostCondition.NotZero);
        code.Load(HostLayout.Third, HostLayout.Field(HostLayout.JumpEpochOffset));
        code.Memory(Compare, 8, HostLayout.Third, new HostOperand(HostLayout.Value, InlineCache.EpochOffset));
        byte* isOld = code.JumpIf(HostCondition.NotZero);
        ReturnStack.LoadTop(code);
        ReturnStack.Drop(code);
        ReturnStack.SetTop(code);
        StackForms.Move(translation, stackBytes);
        code.Memory(
            HostOpcode.IncrementDecrement,
            4,
            (HostRegister)HostOpcode.JumpIndirect,
            new HostOperand(HostLayout.Value, InlineCache.HostCodeOffset));
        translation.StepReturn(isOther, isOld, stackBytes);
    }

    /// <summary>The start of the stub of <see cref="GoTo"/>: another try with what the jump cache has.</summary>
    public static void WriteRetry(HostAssembler code, JumpRoutines routines, byte* cache, byte* start)
    {
        code.LeaRelative(HostLayout.Value, cache);
        HostAssembler.SetTarget(code.Call(), routines.FindFor);
        HostAssembler.SetTarget(code.JumpIf(HostCondition.Zero), start);
    }

    /// <summary>The start of the stub of <see cref="Return"/>.</summary>
    public static void WriteReturn(HostAssembler code, JumpRoutines routines, int stackBytes)
    {
        HostAssembler.SetTarget(code.Call(), routines.FindReturn);
        byte* missed = code.JumpIf(HostCondition.NotZero);
        HostRegister pointer = HostLayout.PinnedOf(Register.RSP);
        code.Memory(HostOpcode.Lea, 8, pointer, new HostOperand(pointer, stackBytes));
        code.JumpTo(HostLayout.Value);
        HostAssembler.SetTarget(missed, code.Position);
    }
}
