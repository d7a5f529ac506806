// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: see CodeMemory.
// SAFETY: TryWrite begins only with room for the largest block, in instructions and in exits; code grows from the start
// of the memory, stubs and records from its end.

/// <summary>Writes the host code of blocks into a piece of memory, and the ways in and out that all of it shares.
/// </summary>
internal sealed unsafe class HostCodeWriter
{
    private const int HeadAlignment = 16;

    /// <summary>As many instructions cost the interpreter about what the ways out and in cost.</summary>
    private const int WorthResuming = 8;
    private const int BlockBytesMax = 512 + (BlockBuilder.InstructionsMax * BlockTranslation.InstructionBytesMax);
    private const int ExitsOfBlock = 8;
    private const int ExitsMax = ExitsOfBlock + (BlockBuilder.InstructionsMax * BlockTranslation.ExitsPerInstruction);
    private const int ExitBytesMax = ExitRecord.StubBytes + JumpForms.ReturnBytesMax;

    private static readonly HostRegister[] s_saved =
    [
        HostRegister.Rbx, HostRegister.Rbp, HostRegister.R12, HostRegister.R13, HostRegister.R14, HostRegister.R15,
    ];

    /// <summary>A call's return address, and both ways on.</summary>
    private const int CachesMax = 3;

    private readonly CodeMemory _memory;
    private readonly InlineCacheArea _caches;
    private readonly JumpRoutines _routines;
    private readonly SimdForms _simd = new();
    private readonly byte* _wayOut;
    private readonly byte* _simdWayIn;
    private readonly byte* _firstBlock;
    private byte* _nextBlock;
    private byte* _exitsStart;

    public HostCodeWriter(CodeMemory memory, TierData* data)
    {
        _memory = memory;
        HostAssembler code = new() { Position = memory.Writable };
        WriteWayIn(code);
        code.JumpTo(HostLayout.Address);
        _wayOut = code.Position;
        WriteWayOut(code);
        _simdWayIn = code.Position;
        SimdSwitch.WriteWayIn(code, _wayOut);
        byte* withSimd = code.Position;
        WriteWayIn(code);
        code.Move(HostLayout.Value, HostLayout.Address);
        HostAssembler.SetTarget(code.Jump(), _simdWayIn);
        _caches = new InlineCacheArea(memory);
        code.Align(HeadAlignment);
        _routines = new JumpRoutines(code, _caches.Spare);
        code.Align(HeadAlignment);
        _firstBlock = code.Position;
        data->Enter = (delegate* unmanaged<CpuState*, byte*, ExitRecord*>)(memory.Writable + memory.ToExecutable);
        data->EnterWithSimd =
            (delegate* unmanaged<CpuState*, ExitRecord*, ExitRecord*>)(withSimd + memory.ToExecutable);
        data->ToExecutable = memory.ToExecutable;
        Reset();
    }

    /// <summary>True if the largest block fits.</summary>
    public bool HasRoom =>
        _exitsStart - _nextBlock > BlockBytesMax + (ExitsMax * (sizeof(ExitRecord) + ExitBytesMax))
        && _caches.HasRoom(CachesMax);

    /// <summary>The return stack, empty.</summary>
    public byte* Returns => _caches.Returns;

    public long UsedBytes => _nextBlock - _memory.Writable + (_memory.Writable + _memory.SizeBytes - _exitsStart);

    /// <summary>Forgets all blocks.</summary>
    public void Reset()
    {
        _caches.Reset();
        _nextBlock = _firstBlock;
        _exitsStart = _memory.Writable + _memory.SizeBytes;
    }

    /// <summary>Writes host code for a block whose instructions the translation holds.</summary>
    /// <returns>False if too few of its instructions have a form.</returns>
    public bool TryWrite(BlockTranslation translation, Block* block, GuestFeature features)
    {
        HostAssembler code = translation.Code;
        translation.UseWith(_routines, _caches);
        translation.Begin(block, features, _nextBlock);
        code.Align(HeadAlignment);
        byte* head = code.Position;
        code.Arithmetic(HostOpcode.Sub, 8, HostLayout.Budget, block->Count);
        translation.Leave(code.JumpIf(HostCondition.Less), block->Start, refund: block->Count);
        byte* body = code.Position;
        if (!TryWriteBody(translation, block))
        {
            return false;
        }

        _nextBlock = code.Position;
        foreach (PendingExit exit in translation.Exits)
        {
            WriteExit(translation, block, exit);
        }

        nint toExecutable = _memory.ToExecutable;
        block->HostCode = head + toExecutable;
        Uop* entry = block->Entry;
        entry->Immediate = (ulong)(body + toExecutable);
        entry->Displacement = 0;
        entry->Handler = &TierEntry.Enter;
        return true;
    }

    /// <summary>An instruction without a form is left to the interpreter, alone if enough follows to be worth the way
    /// out and in, else with all behind it. Few in front are not worth the way either.</summary>
    private bool TryWriteBody(BlockTranslation translation, Block* block)
    {
        const int WorthTranslating = 6;
        int done = 0;
        for (int index = 0; index < block->Count; index++)
        {
            translation.BeginInstruction(index);
            bool hasForm = TryWriteInstruction(translation);
            CheckBounds(translation, index);
            if (hasForm)
            {
                done++;
                continue;
            }

            bool goesOn = block->Count - index > WorthResuming;
            if (!goesOn && done < WorthTranslating)
            {
                return false;
            }

            translation.StepOver();
            if (!goesOn)
            {
                return true;
            }
        }

        if (!translation.HasEnded)
        {
            BranchForms.FallThrough(translation);
        }

        return true;
    }

    /// <summary>What was reserved for a block must hold for each of its instructions.</summary>
    private void CheckBounds(BlockTranslation translation, int index)
    {
        const int ForLast = 256;
        long bytes = translation.Code.Position - _nextBlock;
        bool isHeld = bytes <= ForLast + ((index + 1) * BlockTranslation.InstructionBytesMax)
            && translation.Exits.Count <= ExitsOfBlock + ((index + 1) * BlockTranslation.ExitsPerInstruction);
        if (!isHeld)
        {
            throw new InvalidOperationException(
                $"Expected host code in its bounds, found {bytes} bytes and {translation.Exits.Count} exits behind "
                + $"{translation.Instruction.Code}.");
        }
    }

    /// <summary>Where host code goes on behind an instruction that the interpreter has executed, if what remains is
    /// worth it.</summary>
    private byte* ResumeOf(BlockTranslation translation, int index)
    {
        byte* next = translation.ResumeAt(index + 1);
        return next != null && translation.Block->Count - index > WorthResuming ? next + _memory.ToExecutable : null;
    }

    private bool TryWriteInstruction(BlockTranslation translation) =>
        FormRules.HasPlainEncoding(translation.Instruction)
        && (ArithmeticForms.TryEmit(translation)
            || RegisterForms.TryEmit(translation)
            || StackForms.TryEmit(translation)
            || ShiftForms.TryEmit(translation)
            || BitForms.TryEmit(translation)
            || FlagForms.TryEmit(translation)
            || ExchangeForms.TryEmit(translation)
            || DivisionForms.TryEmit(translation)
            || _simd.TryEmit(translation)
            || BranchForms.TryEmit(translation));

    /// <summary>RDI: the state. RSI: where to go, which the first scratch register then has.</summary>
    private static void WriteWayIn(HostAssembler code)
    {
        const int StackAlignment = 8;
        foreach (HostRegister register in s_saved)
        {
            code.Push(register);
        }

        code.Arithmetic(HostOpcode.Sub, 8, HostRegister.Rsp, StackAlignment);
        code.Memory(
            HostOpcode.Lea, 8, HostLayout.State, new HostOperand(HostRegister.Rdi, HostLayout.StateBias));
        code.Move(HostLayout.Address, HostRegister.Rsi);
        for (int number = 0; number < HostLayout.Pinned.Length; number++)
        {
            code.Load(HostLayout.Pinned[number], HostLayout.SlotOf(number));
        }

        code.Load(HostLayout.Budget, HostLayout.Field(HostLayout.BudgetOffset));
        code.Load(HostLayout.Flags, HostLayout.Field(HostLayout.FlagWordOffset));
    }

    /// <summary>The record is in the second scratch register, the address of a failed access in the first.</summary>
    private static void WriteWayOut(HostAssembler code)
    {
        const int StackAlignment = 8;
        SimdSwitch.WriteWayOut(code);
        for (int number = 0; number < HostLayout.Pinned.Length; number++)
        {
            code.Store(HostLayout.SlotOf(number), HostLayout.Pinned[number]);
        }

        code.Store(HostLayout.Field(HostLayout.BudgetOffset), HostLayout.Budget);
        code.Store(HostLayout.Field(HostLayout.FlagWordOffset), HostLayout.Flags);
        code.Store(HostLayout.Field(HostLayout.SlowAddressOffset), HostLayout.Address);
        code.Move(HostRegister.Rax, HostLayout.Value);
        code.Arithmetic(HostOpcode.Add, 8, HostRegister.Rsp, StackAlignment);
        for (int index = s_saved.Length - 1; index >= 0; index--)
        {
            code.Pop(s_saved[index]);
        }

        code.Return();
    }

    /// <summary>The stub of an exit, and its record right behind.</summary>
    private void WriteExit(BlockTranslation translation, Block* block, in PendingExit exit)
    {
        HostAssembler code = translation.Code;
        const int RefundBytes = 7;
        const int LinearBytesMax = 8;
        int bytes = (exit.Refund != 0 ? RefundBytes : 0) + (exit.Linear is null ? 0 : LinearBytesMax)
            + (exit.Cache == null ? 0 : JumpForms.RetryBytes) + (exit.ReturnBytes == 0 ? 0 : JumpForms.ReturnBytesMax)
            + ExitRecord.StubBytes + sizeof(ExitRecord);
        _exitsStart = (byte*)((nint)(_exitsStart - bytes) & -sizeof(int));
        code.Position = _exitsStart;
        HostAssembler.SetTarget(exit.Jump, _exitsStart);
        if (exit.OtherJump != null)
        {
            HostAssembler.SetTarget(exit.OtherJump, _exitsStart);
        }

        if (exit.Cache != null)
        {
            JumpForms.WriteRetry(code, _routines, exit.Cache, exit.Retry);
        }

        if (exit.ReturnBytes != 0)
        {
            JumpForms.WriteReturn(code, _routines, exit.ReturnBytes);
        }

        if (exit.Refund != 0)
        {
            code.Arithmetic(HostOpcode.Add, 8, HostLayout.Budget, exit.Refund);
        }

        if (exit.Linear is { } linear)
        {
            code.Memory(HostOpcode.Lea, 8, HostLayout.Address, linear);
        }

        byte* stub = code.Position;
        var record = (ExitRecord*)(stub + ExitRecord.StubBytes);
        code.LeaRelative(HostLayout.Value, (byte*)record);
        HostAssembler.SetTarget(code.Jump(), exit.IsSimdSwitch ? _simdWayIn : _wayOut);
        *record = new ExitRecord
        {
            Block = block,
            Flags = (exit.IsChosen ? ExitFlags.IsChosen : 0) | (exit.HasSimd ? ExitFlags.HasSimd : 0),
            Target = exit.Kind == ExitKind.Step ? exit.Target + (ulong)_memory.ToExecutable : exit.Target,
            Resume = exit.Kind == ExitKind.Step ? ResumeOf(translation, exit.Index) : null,
            Jump = (int)(exit.Jump - (byte*)record),
            Kind = exit.Kind,
            Index = (byte)exit.Index,
            AccessBytes = (byte)exit.AccessBytes,
        };
    }
}
