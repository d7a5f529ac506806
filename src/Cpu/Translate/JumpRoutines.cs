// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: see HostAssembler.
// SAFETY: offsets inside the state, a block and an inline cache; the entry's index is masked as in JumpCache. What is
// pushed is popped before each RET.

/// <summary>Host code that all jumps out of a page share: it is called, says by ZF whether it has found the target's
/// host code, and leaves that in <see cref="HostLayout.Value"/>. It changes the scratch registers and no other.
/// </summary>
/// <remarks>What it finds is what the <see cref="JumpCache"/> has, in 64-bit mode, where the base of CS counts as 0 and
/// no limit is compared.</remarks>
internal sealed unsafe class JumpRoutines
{
    /// <summary>Entries of the return stack that are looked at below its top: a call whose return the interpreter
    /// executed leaves one.</summary>
    private const int ReturnsSought = 16;

    private const HostRegister Target = HostLayout.Address;
    private const HostRegister Result = HostLayout.Value;
    private const int Compare = (HostOpcode.Compare * 8) + 3;

    private static readonly int s_ripOffset = FindRip();
    private static readonly int s_hostCodeOffset = FindHostCode();

    /// <param name="code">Where to write them.</param>
    /// <param name="spare">An inline cache for returns whose call is not known, as host code addresses it.</param>
    public JumpRoutines(HostAssembler code, byte* spare)
    {
        Find = code.Position;
        WriteFind(code);
        FindFor = code.Position;
        WriteFindFor(code, Find);
        FindReturn = code.Position;
        WriteFindReturn(code, FindFor, spare);
    }

    /// <summary>For the target in <see cref="HostLayout.Address"/>, which stays.</summary>
    public byte* Find { get; }

    /// <summary>For the target of the inline cache at <see cref="HostLayout.Value"/>, which then has it; else it is
    /// noted as the one that missed.</summary>
    public byte* FindFor { get; }

    /// <summary>For the return address in <see cref="HostLayout.Address"/>: makes the entry below its call's the top of
    /// the return stack.</summary>
    public byte* FindReturn { get; }

    private static int FindRip()
    {
        Block block = default;
        return (int)((byte*)&block.Rip - (byte*)&block);
    }

    private static int FindHostCode()
    {
        Block block = default;
        return (int)((byte*)&block.HostCode - (byte*)&block);
    }

    private static void WriteFind(HostAssembler code)
    {
        // x = target ^ (target >> 9) has the entry's number in its bits 8:0 and 15:12.
        const HostRegister Index = HostLayout.Third;
        code.Move(Result, Target);
        code.Shift(HostOpcode.ShiftRight, 8, Result, JumpCache.SlotBits);
        code.Registers(HostOpcode.FromRm(HostOpcode.Xor), 8, Result, Target);
        code.Registers(HostOpcode.MoveFromRm, 4, Index, Result);
        code.Arithmetic(HostOpcode.And, 4, Result, JumpCache.SlotsInPage - 1);
        code.Shift(HostOpcode.ShiftRight, 4, Index, JumpCache.PageShift - JumpCache.SlotBits);
        code.Arithmetic(HostOpcode.And, 4, Index, (JumpCache.PageSlots - 1) * JumpCache.SlotsInPage);
        code.Registers(HostOpcode.FromRm(HostOpcode.Or), 4, Index, Result);
        code.Shift(HostOpcode.ShiftLeft, 4, Index, 4);
        code.Load(Result, HostLayout.Field(HostLayout.JumpTagOffset));
        code.Registers(HostOpcode.FromRm(HostOpcode.Xor), 8, Result, Target);
        code.Memory(Compare, 8, Result, HostLayout.Field(CpuState.JumpCacheOffset + JumpCache.TagOffset, Index));
        byte* isOther = code.JumpIf(HostCondition.NotZero);
        code.Load(Result, HostLayout.Field(CpuState.JumpCacheOffset + JumpCache.BlockOffset, Index));
        code.Memory(Compare, 8, Target, new HostOperand(Result, s_ripOffset));
        byte* isInvalid = code.JumpIf(HostCondition.NotZero);
        code.Load(Result, new HostOperand(Result, s_hostCodeOffset));
        code.Registers(HostOpcode.Test, 8, Result, Result);
        byte* hasNone = code.JumpIf(HostCondition.Zero);
        Succeed(code);
        HostAssembler.SetTarget(hasNone, code.Position);
        code.Registers(HostOpcode.Test, 8, HostLayout.State, HostLayout.State);
        HostAssembler.SetTarget(isOther, code.Position);
        HostAssembler.SetTarget(isInvalid, code.Position);
        code.Return();
    }

    private static void WriteFindFor(HostAssembler code, byte* find)
    {
        const HostRegister Cache = HostLayout.Third;
        code.Push(Result);
        code.Load(Target, new HostOperand(Result, InlineCache.RipOffset));
        HostAssembler.SetTarget(code.Call(), find);
        code.Pop(Cache);
        byte* missed = code.JumpIf(HostCondition.NotZero);
        code.Store(new HostOperand(Cache, InlineCache.HostCodeOffset), Result);
        code.Load(Target, HostLayout.Field(HostLayout.JumpEpochOffset));
        code.Store(new HostOperand(Cache, InlineCache.EpochOffset), Target);
        code.Return();
        HostAssembler.SetTarget(missed, code.Position);
        code.Store(HostLayout.Field(HostLayout.MissedCacheOffset), Cache);
        code.Return();
    }

    private static void WriteFindReturn(HostAssembler code, byte* findFor, byte* spare)
    {
        const HostRegister Left = HostRegister.Rsi;
        code.Push(Left);
        code.Constant(Left, ReturnsSought);
        ReturnStack.LoadTop(code);
        byte* next = code.Position;
        code.Load(Result, new HostOperand(HostLayout.Third, 0));
        code.Memory(Compare, 8, Target, new HostOperand(Result, InlineCache.RipOffset));
        byte* found = code.JumpIf(HostCondition.Zero);
        ReturnStack.Drop(code);
        code.Arithmetic(HostOpcode.Sub, 4, Left, 1);
        HostAssembler.SetTarget(code.JumpIf(HostCondition.NotZero), next);

        // No call is known that it returns from.
        code.Pop(Left);
        code.LeaRelative(Result, spare);
        code.Memory(HostOpcode.MoveImmediate, 8, 0, new HostOperand(Result, InlineCache.EpochOffset));
        code.Immediate(8, unchecked((int)InlineCache.NoEpoch));
        code.Store(new HostOperand(Result, InlineCache.RipOffset), Target);
        HostAssembler.SetTarget(code.Jump(), findFor);

        HostAssembler.SetTarget(found, code.Position);
        ReturnStack.Drop(code);
        ReturnStack.SetTop(code);
        code.Pop(Left);
        code.Load(HostLayout.Third, HostLayout.Field(HostLayout.JumpEpochOffset));
        code.Memory(Compare, 8, HostLayout.Third, new HostOperand(Result, InlineCache.EpochOffset));
        HostAssembler.SetTarget(code.JumpIf(HostCondition.NotZero), findFor);
        code.Load(Result, new HostOperand(Result, InlineCache.HostCodeOffset));
        Succeed(code);
    }

    private static void Succeed(HostAssembler code)
    {
        code.Registers(HostOpcode.FromRm(HostOpcode.Xor), 4, HostLayout.Third, HostLayout.Third);
        code.Return();
    }
}
