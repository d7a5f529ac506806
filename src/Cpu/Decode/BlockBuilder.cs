// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;
using Iced.Intel;
using KvmActors.Cpu.Execute;
using KvmActors.Cpu.Execute.Binding;
using KvmActors.Cpu.Execute.Hot;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Decode;

// JUSTIFICATION: see BlockCache.
// SAFETY: code is read inside one page of RAM, or from a buffer of its own that holds the end of one page and the start
// of the next; at most InstructionsMax micro-operations and one more are written to the scratch list, which has that
// size.

/// <summary>Finds or decodes the block at RIP.</summary>
/// <remarks>Source of the length limit and the fetch faults: Intel SDM vol. 2A, section 2.3.11; vol. 3A, table 7-2.
/// </remarks>
internal sealed unsafe class BlockBuilder : IDisposable
{
    public const int InstructionsMax = 48;
    public const int InstructionBytesMax = 15;

    private readonly bool _isThreaded = DispatchChoice.IsThreaded;
    private readonly BlockCache _cache;
    private readonly GuestCodeReader _reader = new();
    private readonly Decoder _decoder16;
    private readonly Decoder _decoder32;
    private readonly Decoder _decoder64;
    private Uop* _scratch;

    public BlockBuilder(BlockCache cache)
    {
        _cache = cache;
        _decoder16 = Decoder.Create(16, _reader);
        _decoder32 = Decoder.Create(32, _reader);
        _decoder64 = Decoder.Create(64, _reader);
        _scratch = (Uop*)NativeMemory.AllocZeroed((InstructionsMax + 1) * (nuint)sizeof(Uop));
    }

    ~BlockBuilder() => Release();

    /// <summary>Blocks that were asked for.</summary>
    public long LookUps { get; private set; }

    /// <summary>Blocks that were decoded, and the instructions in them.</summary>
    public long BlocksDecoded { get; private set; }

    public long InstructionsDecoded { get; private set; }

    /// <summary>Instructions of a block at most; <see cref="InstructionsMax"/> or fewer.</summary>
    public int InstructionsLimit { get; set; } = InstructionsMax;

    /// <summary>The block at RIP, found or decoded and entered in the caches; or null, with the exit reason set: a
    /// fault of the fetch, or an instruction that does not exist.</summary>
    public Block* GetBlock(CpuState* state)
    {
        LookUps++;
        if (!CheckRip(state) || !Fetch(state, LinearRip(state), out ulong physical))
        {
            return null;
        }

        Block* block = _cache.Find(physical, state->Rip, state->Mode);
        if (block != null && block->SecondPage != Block.NoPage && !SecondPageHolds(state, block))
        {
            if (state->Exit != ExitReason.None)
            {
                return null;
            }

            _cache.Invalidate(block);
            block = null;
        }

        if (block == null || block->LastByte > state->CodeLimit)
        {
            block = Build(state, physical);
        }

        if (block != null)
        {
            JumpCache.Add(state, block);
        }

        return block;
    }

    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private static ulong LinearRip(CpuState* state)
    {
        ulong linear = state->CodeBase + state->Rip;
        return state->Mode == CpuMode.Long64 ? linear : (uint)linear;
    }

    /// <summary>True if a debugger wants to stop before the instruction so many bytes behind RIP.</summary>
    private static bool HasBreakpoint(CpuState* state, ulong offset) =>
        VcpuEngine.Of(state).Debug.HasBreakpoint(LinearRip(state) + offset);

    private static bool CheckRip(CpuState* state)
    {
        bool isInside = state->Mode == CpuMode.Long64
            ? LinearMemory.IsCanonical(state->Rip)
            : state->Rip <= state->CodeLimit;
        if (!isInside)
        {
            Faults.GeneralProtectionFault(state);
        }

        return isInside;
    }

    private static bool Fetch(CpuState* state, ulong linear, out ulong physical)
    {
        if (PageAccess.Translate(state, linear, AccessKind.Fetch, out physical))
        {
            return true;
        }

        state->Exit = ExitReason.Fault;
        return false;
    }

    private static ulong NextPageOf(CpuState* state, ulong linear)
    {
        ulong next = (linear | (GuestMemory.PageBytes - 1)) + 1;
        return state->Mode == CpuMode.Long64 ? next : (uint)next;
    }

    private static bool SecondPageHolds(CpuState* state, Block* block) =>
        Fetch(state, NextPageOf(state, LinearRip(state)), out ulong second)
        && second / GuestMemory.PageBytes == (ulong)block->SecondPage;

    private Block* Build(CpuState* state, ulong physical)
    {
        Decoder decoder = DecoderOf(state->Mode);
        decoder.IP = state->Rip;
        int inPage = GuestMemory.PageBytes - (int)(physical % GuestMemory.PageBytes);
        if (!PhysicalMemory.IsRam(state, physical, inPage))
        {
            // Nothing answers: the bus gives ones, and FF FF is no instruction.
            Faults.Undefined(state);
            return null;
        }

        byte* code = state->Ram + physical;
        int count = 0;
        int bytes = 0;
        int limit = Math.Clamp(InstructionsLimit, 1, InstructionsMax);
        bool isLast = false;
        while (!isLast && count < limit && bytes < inPage)
        {
            if (count > 0 && HasBreakpoint(state, (ulong)bytes))
            {
                break;
            }

            _reader.Reset(code + bytes, code + Math.Min(bytes + InstructionBytesMax, inPage));
            decoder.Decode(out Instruction instruction);
            bool isCut = decoder.LastError == DecoderError.NoMoreBytes;
            if (isCut && count == 0)
            {
                return BuildCrossing(state, physical, inPage);
            }

            if (isCut || !IsInsideLimit(state, instruction))
            {
                break;
            }

            isLast = Append(state, instruction, count, bytes);
            bytes += instruction.Length;
            count++;
        }

        return count == 0 ? PastLimit(state) : Finish(state, physical, count, bytes, isLast, Block.NoPage);
    }

    private static Block* PastLimit(CpuState* state)
    {
        Faults.GeneralProtectionFault(state);
        return null;
    }

    private static bool IsInsideLimit(CpuState* state, in Instruction instruction) =>
        instruction.IP + (ulong)instruction.Length - 1 <= state->CodeLimit;

    /// <summary>A block of one instruction that reaches into the next page.</summary>
    private Block* BuildCrossing(CpuState* state, ulong physical, int inPage)
    {
        byte* buffer = stackalloc byte[InstructionBytesMax];
        new Span<byte>(buffer, InstructionBytesMax).Clear();
        new ReadOnlySpan<byte>(state->Ram + physical, inPage).CopyTo(new Span<byte>(buffer, inPage));
        Decoder decoder = DecoderOf(state->Mode);

        // Some instructions are known not to exist before their last byte is read. Those are #UD, not #PF.
        Instruction instruction = DecodeOne(decoder, state->Rip, buffer);
        bool isInvalid = instruction.IsInvalid;
        if (!Fetch(state, NextPageOf(state, LinearRip(state)), out ulong second))
        {
            if (isInvalid)
            {
                Faults.Undefined(state);
            }

            return null;
        }

        int fromSecond = InstructionBytesMax - inPage;
        for (int index = 0; index < fromSecond; index++)
        {
            buffer[inPage + index] = (byte)PhysicalMemory.Read(state, second + (ulong)index, sizeBytes: 1);
        }

        instruction = DecodeOne(decoder, state->Rip, buffer);
        if (!PhysicalMemory.IsRam(state, second, GuestMemory.PageBytes))
        {
            Faults.Undefined(state);
            return null;
        }

        if (!IsInsideLimit(state, instruction))
        {
            return PastLimit(state);
        }

        bool isLast = Append(state, instruction, ordinal: 0, offset: 0);
        int secondPage = instruction.Length > inPage ? (int)(second / GuestMemory.PageBytes) : Block.NoPage;
        return Finish(state, physical, count: 1, instruction.Length, isLast, secondPage);
    }

    private Instruction DecodeOne(Decoder decoder, ulong rip, byte* buffer)
    {
        _reader.Reset(buffer, buffer + InstructionBytesMax);
        decoder.IP = rip;
        decoder.Decode(out Instruction instruction);
        return instruction;
    }

    /// <summary>Binds one instruction; true if it ends the block.</summary>
    private bool Append(CpuState* state, in Instruction instruction, int ordinal, int offset)
    {
        Uop* uop = _scratch + ordinal;
        *uop = default;
        uop->Ordinal = (byte)ordinal;
        uop->RipOffset = (ushort)offset;
        BindingContext context = new()
        {
            Instruction = instruction,
            Uop = uop,
            Mode = state->Mode,
            Features = state->Features,
            Cpuid = VcpuEngine.Of(state).Cpuid,
        };
        if (_isThreaded)
        {
            InstructionBinding<TailDispatch>.Bind(ref context);
        }
        else
        {
            InstructionBinding<LoopDispatch>.Bind(ref context);
        }

        return context.EndsBlock;
    }

    private Block* Finish(CpuState* state, ulong physical, int count, int bytes, bool isLast, int secondPage)
    {
        Uop* leave = _scratch + count;
        *leave = default;
        leave->Ordinal = (byte)count;
        leave->RipOffset = (ushort)bytes;
        ulong next = state->Rip + (ulong)bytes;
        bool mayLink = !isLast && state->Mode == CpuMode.Long64
            && next / GuestMemory.PageBytes == state->Rip / GuestMemory.PageBytes;
        leave->Handler = !mayLink ? &Leaving.Leave
            : _isThreaded ? &GeneralHandlers<TailDispatch>.FallThrough
            : &GeneralHandlers<LoopDispatch>.FallThrough;

        Block* block = _cache.Allocate(count + 1);
        new ReadOnlySpan<Uop>(_scratch, count + 1).CopyTo(new Span<Uop>(block->First, count + 1));
        block->Rip = state->Rip;
        block->Start = state->Rip;
        block->LastByte = state->Rip + (ulong)bytes - 1;
        block->Count = count;
        block->HasBreakpoint = HasBreakpoint(state, offset: 0) ? 1 : 0;
        block->EntryCost = block->HasBreakpoint != 0 ? Block.NoEntry : count;
        block->Mode = state->Mode;
        block->Physical = physical;
        block->Page = (int)(physical / GuestMemory.PageBytes);
        block->SecondPage = secondPage;
        block->Bytes = bytes;
        _cache.Add(block);
        BlocksDecoded++;
        InstructionsDecoded += count;
        return block;
    }

    private Decoder DecoderOf(CpuMode mode) => mode switch
    {
        CpuMode.Real16 => _decoder16,
        CpuMode.Real32 => _decoder32,
        CpuMode.Virtual8086 => _decoder16,
        CpuMode.Protected16 => _decoder16,
        CpuMode.Protected32 => _decoder32,
        CpuMode.Compatibility16 => _decoder16,
        CpuMode.Compatibility32 => _decoder32,
        CpuMode.Long64 => _decoder64,
    };

    private void Release()
    {
        NativeMemory.Free(_scratch);
        _scratch = null;
    }
}
