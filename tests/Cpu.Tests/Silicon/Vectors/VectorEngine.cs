// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Runtime.InteropServices;
using KvmActors.Cpu.Execute;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Execute;
using KvmActors.Cpu.Translate;

namespace KvmActors.Cpu.Tests.Silicon.Vectors;

// JUSTIFICATION: two million vectors; saving and restoring a whole vCPU around each took ten times as long.
// SAFETY: touches the fields of a state that this object owns, and memory of the guest within its size.

/// <summary>Executes vectors in the engine at CPL 3. Between two of them it sets only what an instruction can change.
/// </summary>
internal sealed unsafe class VectorEngine : IDisposable
{
    private const ulong MemoryBytes = 2ul << 20;
    private const ulong BlockPhysical = 0x10_0000;

    // In the block's page tables, at linear addresses below it.
    private const ulong SystemBase = VectorLayout.BlockBase - 0x1_0000;
    private const ulong SystemPhysical = 0x8_0000;
    private const ulong Idt = SystemBase;
    private const ulong Gdt = SystemBase + 0x1000;
    private const ulong Tss = SystemBase + 0x2000;
    private const ulong Handlers = SystemBase + 0x3000;
    private const ulong FaultStack = SystemBase + 0x5000;
    private const int SystemBytes = 0x6000;
    private const int HandlerBytes = 16;
    private const int GateCount = 32;
    private const ushort CodeSelector = 0x33;
    private const int GdtBytes = 0x80;
    private const ulong BudgetMax = 1000;

    private const ulong UserPage = 0x67; // present, writable, user, accessed, dirty
    private const ulong ReadOnlyPage = 0x65;

    // ES, CS, SS, DS, FS, GS.
    private const int SegmentCount = 6;

    // As Linux has them, from entry 1 on: code of the kernel in 32 and 64 bits, its data; code of processes in 32 bits,
    // their data, their code in 64 bits.
    private static readonly ulong[] s_descriptors =
    [
        0x00CF_9B00_0000_FFFF, 0x00AF_9B00_0000_FFFF, 0x00CF_9300_0000_FFFF,
        0x00CF_FB00_0000_FFFF, 0x00CF_F300_0000_FFFF, 0x00AF_FB00_0000_FFFF,
    ];

    private static readonly byte[] s_hypercall = [0x0F, 0x01, 0xC1];

    private readonly GuestMemory _memory = new(MemoryBytes);
    private readonly VcpuEngine _engine;
    private readonly Runner _runner;
    private readonly SegmentCache[] _segments = new SegmentCache[SegmentCount];
    private readonly int _bits;
    private bool _loadsSegments;

    public VectorEngine(int bits)
    {
        _bits = bits;
        WriteSystem();
        MapBlock();
        _engine = new VcpuEngine(0, _memory, EngineTiers.Create(EngineOptions.Default));
        _runner = new Runner(_engine);
        StateTransfer.Restore(_engine, UserMode(StateTransfer.Reset(0)));
        for (int segment = 0; segment < SegmentCount; segment++)
        {
            _segments[segment] = *CpuState.Segment(_engine.State, (SegmentName)segment);
        }
    }

    public void Dispose()
    {
        _engine.Dispose();
        _memory.Dispose();
    }

    /// <summary>Puts the code of a shape where the vectors that follow execute it, with a hypercall at each end of it.
    /// </summary>
    public void Prepare(VectorShape shape)
    {
        Write(shape.CodeOffset, [.. shape.Bytes, .. s_hypercall]);
        Write(shape.CodeOffset + SiliconLayout.TakenOffset, s_hypercall);
        _loadsSegments = shape.LoadsSegments;
    }

    /// <summary>Executes one vector of the shape that was prepared.</summary>
    /// <param name="before">The machine to begin with.</param>
    /// <param name="after">Gets the machine as it is then.</param>
    /// <returns>Null, or why there is no result.</returns>
    public string? Execute(MachineImage before, MachineImage after)
    {
        CpuState* state = _engine.State;
        ReadOnlySpan<ulong> words = before.Words;
        words.Slice(MachineImage.Gprs, CpuState.GprCount).CopyTo(new Span<ulong>(state, CpuState.GprCount));
        state->Rip = words[MachineImage.Rip];
        state->SystemFlags = (before.Flags & RFlags.Defined & ~RFlags.Status) | RFlags.AlwaysOne;
        state->InterruptShadow = 0;
        state->Activity = VcpuActivity.Running;
        LazyFlags.WriteStatus(state, before.Flags);
        words.Slice(MachineImage.Fx, MachineImage.FxCount)
            .CopyTo(new Span<ulong>(CpuState.FxSave(state), MachineImage.FxCount));
        WriteWindow(SiliconLayout.Data, words.Slice(MachineImage.Data, MachineImage.DataCount));
        WriteWindow(SiliconLayout.StackLow, words.Slice(MachineImage.Stack, MachineImage.StackCount));
        WriteWindow(VectorLayout.Edge, words.Slice(MachineImage.Edge, MachineImage.EdgeCount));
        VmExit exit = _runner.Run(BudgetMax, vmTime: 0);
        if (exit is VmExit.InvalidOpcode)
        {
            // Whoever runs the vCPU decides about those: here it says no.
            const byte UndefinedOpcode = 6;
            _runner.InjectException(new GuestFault(UndefinedOpcode, null, null));
            exit = _runner.Run(BudgetMax, vmTime: 0);
        }

        if (exit is not VmExit.Hypercall)
        {
            string found = $"{exit}";
            Leave();
            return $"expected the hypercall behind the instruction, found {found}";
        }

        Read(before, after);
        if (_loadsSegments)
        {
            Leave();
        }

        return null;
    }

    private void Read(MachineImage before, MachineImage after)
    {
        CpuState* state = _engine.State;
        Span<ulong> words = after.Words;
        new ReadOnlySpan<ulong>(state, CpuState.GprCount).CopyTo(words[MachineImage.Gprs..]);
        words[MachineImage.Cr2] = 0;
        words[MachineImage.ErrorCode] = 0;
        ulong handler = state->Rip - Handlers;
        if (handler < GateCount * HandlerBytes)
        {
            ReadFault(words, after, (byte)(handler / HandlerBytes));
        }
        else
        {
            words[MachineImage.Rip] = state->Rip;
            after.Flags = LazyFlags.Read(state);
            after.Fault = null;
        }

        new ReadOnlySpan<ulong>(CpuState.FxSave(state), MachineImage.FxCount).CopyTo(words[MachineImage.Fx..]);
        ReadWindow(SiliconLayout.Data, words.Slice(MachineImage.Data, MachineImage.DataCount));
        ReadWindow(SiliconLayout.StackLow, words.Slice(MachineImage.Stack, MachineImage.StackCount));
        ReadWindow(VectorLayout.Edge, words.Slice(MachineImage.Edge, MachineImage.EdgeCount));
        after.MaskFx();
        if (_bits != 64)
        {
            // Not visible to the code; the engine keeps what it likes there.
            before.Words.AsSpan(MachineImage.Gprs + 8, 8).CopyTo(words[(MachineImage.Gprs + 8)..]);
        }
    }

    /// <summary>From the frame that the delivery pushed; then user mode again.</summary>
    private void ReadFault(Span<ulong> words, MachineImage after, byte vector)
    {
        const byte PageFault = 14;
        const ulong FrameBytes = 40;
        CpuState* state = _engine.State;
        ulong frame = FaultStack - FrameBytes;
        words[MachineImage.Rip] = ReadSystem(frame);
        words[MachineImage.Gprs + (int)Gpr.Rsp] = ReadSystem(frame + 24);
        words[MachineImage.ErrorCode] = state->Rsp == frame ? 0 : ReadSystem(frame - 8);
        words[MachineImage.Cr2] = vector == PageFault ? state->Cr2 : 0;
        after.Flags = ReadSystem(frame + 16);
        after.Fault = vector;
        Leave();
    }

    private void Leave()
    {
        for (int segment = 0; segment < SegmentCount; segment++)
        {
            *CpuState.Segment(_engine.State, (SegmentName)segment) = _segments[segment];
        }

        ModeControl.Refresh(_engine.State);
    }

    private ulong ReadSystem(ulong linear)
    {
        Span<byte> bytes = stackalloc byte[8];
        _memory.Read(new Gpa(linear - SystemBase + SystemPhysical), bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    private void Write(int offset, ReadOnlySpan<byte> bytes) =>
        _memory.Write(new Gpa(BlockPhysical + (ulong)offset), bytes);

    private void WriteWindow(int offset, ReadOnlySpan<ulong> words) => Write(offset, MemoryMarshal.AsBytes(words));

    private void ReadWindow(int offset, Span<ulong> words) =>
        _memory.Read(new Gpa(BlockPhysical + (ulong)offset), MemoryMarshal.AsBytes(words));

    private void WriteSystem()
    {
        Span<byte> system = new byte[SystemBytes];
        for (int vector = 0; vector < GateCount; vector++)
        {
            ulong handler = Handlers + (ulong)(vector * HandlerBytes);

            // Interrupt gates on stack 1; INT3 and INTO may be executed by user code, as Linux has it.
            ulong rights = vector is 3 or 4 ? 0xEEul : 0x8E;
            Span<byte> gate = system[(vector * 16)..];
            BinaryPrimitives.WriteUInt64LittleEndian(
                gate,
                (handler & 0xFFFF) | ((ulong)CodeSelector << 16) | (1ul << 32) | (rights << 40)
                | ((handler >> 16 & 0xFFFF) << 48));
            BinaryPrimitives.WriteUInt64LittleEndian(gate[8..], handler >> 32);
            s_hypercall.CopyTo(system[(int)(handler - SystemBase)..]);
        }

        for (int entry = 0; entry < s_descriptors.Length; entry++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(
                system[((int)(Gdt - SystemBase) + ((entry + 1) * 8))..], s_descriptors[entry]);
        }

        const int FirstStackOfTable = 0x24;
        BinaryPrimitives.WriteUInt64LittleEndian(system[((int)(Tss - SystemBase) + FirstStackOfTable)..], FaultStack);
        const int PortMap = 0x66;
        BinaryPrimitives.WriteUInt16LittleEndian(system[((int)(Tss - SystemBase) + PortMap)..], 0x68);
        _memory.Write(new Gpa(SystemPhysical), system);
    }

    private void MapBlock()
    {
        const ulong Root = 0x1000;
        const ulong Second = 0x2000;
        const ulong Third = 0x3000;
        const ulong Block = 0x4000;
        const ulong System = 0x5000;
        WriteEntry(Root, Second | UserPage);
        WriteEntry(Second, Third | UserPage);
        WriteEntry(Third + (VectorLayout.BlockBase >> 21 << 3), Block | UserPage);
        WriteEntry(Third + (SystemBase >> 21 << 3), System | UserPage);
        for (int offset = 0; offset < SiliconLayout.SizeBytes; offset += GuestMemory.PageBytes)
        {
            ulong rights = offset switch
            {
                VectorLayout.Absent => 0,
                VectorLayout.ReadOnly => ReadOnlyPage,
                _ => UserPage,
            };
            ulong entry = rights == 0 ? 0 : (BlockPhysical + (ulong)offset) | rights;
            WriteEntry(Block + (ulong)(offset / GuestMemory.PageBytes * 8), entry);
        }

        for (int offset = 0; offset < SystemBytes; offset += GuestMemory.PageBytes)
        {
            ulong slot = (SystemBase + (ulong)offset) >> 12 & 511;
            WriteEntry(System + (slot * 8), (SystemPhysical + (ulong)offset) | UserPage);
        }
    }

    private void WriteEntry(ulong physical, ulong entry)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, entry);
        _memory.Write(new Gpa(physical), bytes);
    }

    private VcpuState UserMode(VcpuState reset)
    {
        ulong segmentBase = _bits == 16 ? VectorLayout.BlockBase : 0;
        (uint codeRights, uint dataRights, uint limit) = _bits switch
        {
            64 => (0xA0FBu, 0xC0F3u, uint.MaxValue),
            32 => (0xC0FBu, 0xC0F3u, uint.MaxValue),
            _ => (0xFBu, 0xF3u, 0xFFFFu),
        };
        (ushort codeSelector, ushort dataSelector, ushort stackSelector) = _bits switch
        {
            64 => ((ushort)0x33, (ushort)0, (ushort)0x2B),
            32 => ((ushort)0x23, (ushort)0x2B, (ushort)0x2B),
            _ => ((ushort)0x07, (ushort)0x0F, (ushort)0x0F),
        };
        SegmentState code = new(codeSelector, segmentBase, limit, codeRights);
        SegmentState data = new(dataSelector, segmentBase, limit, dataRights);
        SegmentState stack = data with { Selector = stackSelector };
        SegmentState other = data with { Selector = 0 };
        SegmentState task = new(Selector: 0x40, Tss, Limit: 0x67, Attributes: 0x8B);
        return reset with
        {
            Segments = [data, code, stack, data, other, other, reset.Segments[6], task],
            Gdtr = new DescriptorTableState(Gdt, GdtBytes - 1),
            Idtr = new DescriptorTableState(Idt, (GateCount * 16) - 1),
            RFlags = 0x202,
            Cpuid = TestGuest.AllFeatures, // of Intel, as is the CPU that the vectors are of
            Xcr0 = 3, // x87, SSE
            Cr0 = 0x8001_0033, // PG, WP, NE, ET, MP, PE
            Cr3 = 0x1000,
            Cr4 = 0x4_0620, // PAE, OSFXSR, OSXMMEXCPT, OSXSAVE
            Efer = 0xD01, // NXE, LMA, LME, SCE
        };
    }
}
