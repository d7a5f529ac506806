// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: see HostAssembler.
// SAFETY: a block has at most InstructionsMax instructions, each of which is at most InstructionBytesMax host bytes and
// ExitsPerInstruction exits, but for the last, which may take what the writer keeps for the block itself. The writer
// checks after each instruction.

/// <summary>A block on its way to host code: what the forms of instructions share.</summary>
/// <remarks>Between two instructions guest registers are where <see cref="HostLayout"/> says, and RAX has the flags,
/// but for those that nothing looks at before they are set again.</remarks>
internal sealed unsafe class BlockTranslation
{
    public const int InstructionBytesMax = 192;
    public const int ExitsPerInstruction = 4;

    /// <summary>What the TLB entry that <see cref="FindEntry"/> has found adds to a linear address.</summary>
    private static readonly HostOperand s_addend = new(HostLayout.Value, 8);

    private readonly Instruction[] _instructions = new Instruction[BlockBuilder.InstructionsMax];
    private readonly StatusFlags[] _needed = new StatusFlags[BlockBuilder.InstructionsMax];
    private readonly List<PendingExit> _exits = [];
    private readonly nint[] _resumes = new nint[BlockBuilder.InstructionsMax];
    private byte* _start;
    private InlineCacheArea? _caches;
    private JumpRoutines? _routines;

    public HostAssembler Code { get; } = new();

    public Block* Block { get; private set; }

    public int Index { get; private set; }

    public ref readonly Instruction Instruction => ref _instructions[Index];

    public Span<Instruction> Instructions => _instructions;

    /// <summary>What the guest's CPUID table offers.</summary>
    public GuestFeature Features { get; private set; }

    /// <summary>True where the host's XMM registers are the guest's.</summary>
    public bool HasSimd { get; set; }

    /// <summary>The flags this instruction sets that something may look at.</summary>
    public StatusFlags Needed => _needed[Index];

    /// <summary>The guest's flags that the host's flags are at this point.</summary>
    public StatusFlags HostFlags { get; set; }

    /// <summary>True behind the instruction that has taken care of where its block leads.</summary>
    public bool HasEnded { get; set; }

    public IReadOnlyList<PendingExit> Exits => _exits;

    /// <summary>What jumps call.</summary>
    public JumpRoutines Routines => _routines!;

    /// <summary>Before the first block, and whenever the code memory is another one.</summary>
    public void UseWith(JumpRoutines routines, InlineCacheArea caches)
    {
        _routines = routines;
        _caches = caches;
    }

    /// <summary>A new inline cache, as host code addresses it.</summary>
    public byte* NewCache(ulong rip) => _caches!.Add(rip);

    /// <summary>Begins a block whose instructions are in <see cref="Instructions"/>.</summary>
    public void Begin(Block* block, GuestFeature features, byte* position)
    {
        Block = block;
        Features = features;
        HasEnded = false;
        HasSimd = false;
        HostFlags = StatusFlags.None;
        _exits.Clear();
        Code.Position = position;
        FlagLiveness.Find(_instructions.AsSpan(0, block->Count), _needed);
    }

    /// <summary>Goes on with an instruction.</summary>
    public void BeginInstruction(int index)
    {
        Index = index;
        _start = Code.Position;
        _resumes[index] = HostFlags == StatusFlags.None && !HasSimd ? (nint)Code.Position : 0;
    }

    /// <summary>Where host code can go on, behind the way in, with this instruction; null if it cannot.</summary>
    public byte* ResumeAt(int index) => index < Block->Count ? (byte*)_resumes[index] : null;

    /// <summary>Has the interpreter execute the instruction, and goes on with the next.</summary>
    public void StepOver()
    {
        Step(Code.Jump());
        HostFlags = StatusFlags.None;
        HasSimd = false;
    }

    /// <summary>Makes the host's XMM registers the guest's, or leaves before the instruction. Scratch registers and
    /// the host's flags change.</summary>
    public void NeedSimd()
    {
        if (HasSimd)
        {
            return;
        }

        SimdSwitch.IsLoaded(Code);
        byte* jump = Code.JumpIf(HostCondition.Zero);
        _exits.Add(new PendingExit
        {
            Jump = jump,
            Kind = ExitKind.Step,
            Index = Index,
            Target = (ulong)Code.Position,
            IsSimdSwitch = true,
        });
        HasSimd = true;
        HostFlags = StatusFlags.None;
    }

    /// <summary>The interpreter executes the instruction if this jump is taken.</summary>
    public void Step(byte* jump) => Step(jump, accessBytes: 0, isWrite: false, linear: null);

    private void Step(byte* jump, int accessBytes, bool isWrite, HostOperand? linear) => _exits.Add(new PendingExit
    {
        Jump = jump,
        Kind = ExitKind.Step,
        Index = Index,
        Target = (ulong)_start,
        AccessBytes = accessBytes,
        Linear = linear,
        IsChosen = isWrite,
        HasSimd = HasSimd,
    });

    /// <summary>The block leads to an address in its page if this jump is taken.</summary>
    public void Edge(byte* jump, ulong rip, bool isTaken) => _exits.Add(new PendingExit
    {
        Jump = jump,
        Kind = ExitKind.Edge,
        Target = rip,
        IsChosen = isTaken,
    });

    /// <summary>The runner goes on at an address if this jump is taken.</summary>
    /// <param name="jump">Where the jump's distance is.</param>
    /// <param name="rip">Where to go on.</param>
    /// <param name="refund">Instructions that were charged and not executed.</param>
    public void Leave(byte* jump, ulong rip, int refund) => _exits.Add(new PendingExit
    {
        Jump = jump,
        Kind = ExitKind.Leave,
        Target = rip,
        Refund = refund,
    });

    /// <summary>The block leads to an address in another page if this jump is taken, which begins at
    /// <paramref name="start"/> and has an inline cache.</summary>
    public void Leave(byte* jump, ulong rip, byte* cache, byte* start) => _exits.Add(new PendingExit
    {
        Jump = jump,
        Kind = ExitKind.Leave,
        Target = rip,
        Cache = cache,
        Retry = start,
    });

    /// <summary>The return stack does not know where a RET leads if one of these jumps is taken.</summary>
    public void StepReturn(byte* jump, byte* otherJump, int stackBytes) => _exits.Add(new PendingExit
    {
        Jump = jump,
        OtherJump = otherJump,
        Kind = ExitKind.Step,
        Index = Index,
        Target = (ulong)_start,
        ReturnBytes = stackBytes,
        HasSimd = HasSimd,
    });

    /// <summary>All 64 bits of a register, for reading: its own host register or a scratch one it is loaded into. Of AH
    /// to BH the low byte of the scratch register.</summary>
    public HostRegister Read(Register guest, HostRegister scratch)
    {
        if (HostLayout.IsDirect(guest))
        {
            return HostLayout.PinnedOf(guest);
        }

        Load(guest, scratch);
        return scratch;
    }

    /// <summary>As <see cref="Read"/>, into a register that may be changed.</summary>
    public void Load(Register guest, HostRegister to)
    {
        if (!HostLayout.IsPinned(guest))
        {
            Code.Load(to, HostLayout.SlotOf(guest));
            return;
        }

        Code.Move(to, HostLayout.PinnedOf(guest));
        if (HostLayout.IsHighByte(guest))
        {
            Code.Shift(HostOpcode.ShiftRight, 4, to, 8);
            HostFlags = StatusFlags.None;
        }
    }

    /// <summary>As <see cref="Write"/>, from a scratch register whose upper half is not known to be clear.</summary>
    public void WriteExtending(Register guest, HostRegister from)
    {
        if (guest.GetSize() == 4)
        {
            Code.Registers(HostOpcode.MoveFromRm, 4, from, from);
        }

        Write(guest, from);
    }

    /// <summary>Writes a register of any size; 32 bits clear the upper half, fewer keep the rest. The scratch registers
    /// that it is not written from may change. Of a 32-bit result the value scratch register's upper half is clear.
    /// </summary>
    public void Write(Register guest, HostRegister from)
    {
        int sizeBytes = guest.GetSize();
        if (HostLayout.IsHighByte(guest))
        {
            WriteHighByte(HostLayout.PinnedOf(guest), from);
        }
        else if (HostLayout.IsPinned(guest))
        {
            Code.Registers(HostOpcode.MoveFromRm, sizeBytes, HostLayout.PinnedOf(guest), from);
        }
        else if (sizeBytes == 4)
        {
            // Not in its own register, which may be a guest's.
            if (from != HostLayout.Value)
            {
                Code.Registers(HostOpcode.MoveFromRm, 4, HostLayout.Value, from);
            }

            Code.Store(HostLayout.SlotOf(guest), HostLayout.Value);
        }
        else
        {
            Code.Memory(HostOpcode.MoveToRm, sizeBytes, from, HostLayout.SlotOf(guest));
        }
    }

    /// <summary>Leaves the host address of the memory operand in <see cref="HostLayout.Address"/>, or the host code
    /// before the instruction. All scratch registers and the host's flags change.</summary>
    public void Access(int sizeBytes, bool isWrite)
    {
        MemoryAddress.Form(this, HostLayout.Address);
        Probe(sizeBytes, isWrite);
    }

    /// <summary>As <see cref="Access"/>, with the linear address in <see cref="HostLayout.Address"/> already.</summary>
    public void Probe(int sizeBytes, bool isWrite)
    {
        FindEntry(new HostOperand(HostLayout.Address, 0), sizeBytes, isWrite, linear: null);
        Code.Memory(HostOpcode.FromRm(HostOpcode.Add), 8, HostLayout.Address, s_addend);
    }

    /// <summary>As <see cref="Access"/>, but the operand may be reached with the registers of its address, which have
    /// to be as they are until then.</summary>
    /// <returns>The memory operand, for host code.</returns>
    public HostOperand Reach(int sizeBytes, bool isWrite)
    {
        if (MemoryAddress.PlainOf(Instruction) is { } linear)
        {
            return Reach(linear, sizeBytes, isWrite);
        }

        Access(sizeBytes, isWrite);
        return new HostOperand(HostLayout.Address, 0);
    }

    /// <param name="linear">The linear address: a guest's register in its host register, and a distance.</param>
    /// <param name="sizeBytes">Bytes of the access.</param>
    /// <param name="isWrite">It is a store, maybe a load too.</param>
    /// <returns>The memory operand, for host code; the register has to be as it is until then.</returns>
    public HostOperand Reach(in HostOperand linear, int sizeBytes, bool isWrite)
    {
        FindEntry(linear, sizeBytes, isWrite, linear);
        Code.Load(HostLayout.Address, s_addend);
        return linear with { Base = HostLayout.Address, Index = linear.Base };
    }

    /// <summary>Leaves the address of the TLB's entry in <see cref="HostLayout.Value"/>, or the host code.</summary>
    private void FindEntry(in HostOperand address, int sizeBytes, bool isWrite, HostOperand? linear)
    {
        const int IndexShift = 8;
        const int IndexMask = (Tlb.EntryCount - 1) * Tlb.EntryBytes;
        int array = isWrite ? HostLayout.ActiveWriteTlbOffset : HostLayout.ActiveTlbOffset;
        if (address.Displacement == 0)
        {
            Code.Registers(HostOpcode.MoveFromRm, 4, HostLayout.Value, address.Base!.Value);
        }
        else
        {
            Code.Memory(HostOpcode.Lea, 4, HostLayout.Value, address);
        }

        HostOperand last = address with { Displacement = address.Displacement + sizeBytes - 1 };
        Code.Memory(HostOpcode.Lea, 8, HostLayout.Third, last);
        Code.Shift(HostOpcode.ShiftRight, 4, HostLayout.Value, IndexShift);
        Code.Shift(HostOpcode.ShiftRight, 8, HostLayout.Third, Tlb.PageShift);
        Code.Arithmetic(HostOpcode.And, 4, HostLayout.Value, IndexMask);
        Code.Memory(HostOpcode.FromRm(HostOpcode.Add), 8, HostLayout.Value, HostLayout.Field(array));
        Code.Memory(HostOpcode.FromRm(HostOpcode.Compare), 8, HostLayout.Third, new HostOperand(HostLayout.Value, 0));
        Step(Code.JumpIf(HostCondition.NotZero), sizeBytes, isWrite, linear);
        HostFlags = StatusFlags.None;
    }

    private void WriteHighByte(HostRegister to, HostRegister from)
    {
        const int AllButHighByte = unchecked((int)0xFFFF_00FF);
        Code.Registers(HostOpcode.MoveZeroExtend8, 4, HostLayout.Third, from);
        Code.Shift(HostOpcode.ShiftLeft, 4, HostLayout.Third, 8);
        Code.Arithmetic(HostOpcode.And, 8, to, AllButHighByte);
        Code.Registers(HostOpcode.FromRm(HostOpcode.Or), 8, to, HostLayout.Third);
        HostFlags = StatusFlags.None;
    }
}
