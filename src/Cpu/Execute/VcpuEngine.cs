// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Events;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.Paravirtual;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute;

// JUSTIFICATION: see CpuState.
// SAFETY: owns the allocation of the state: made in the constructor, freed once by Release, never handed outside of the
// engine.

/// <summary>The managed half of a vCPU: what handlers reach through <see cref="CpuState.ManagedHalf"/>.</summary>
internal sealed unsafe class VcpuEngine : IMemoryObserver, IDisposable
{
    private CpuState* _state;

    public VcpuEngine(int index, GuestMemory memory, IBlockTier? tier)
    {
        Index = index;
        Memory = memory;
        Blocks = new BlockCache(memory, &Leaving.Leave, tier);
        Builder = new BlockBuilder(Blocks);
        _state = (CpuState*)NativeMemory.AlignedAlloc(CpuState.SizeBytes, GuestMemory.PageBytes);
        NativeMemory.Clear(_state, CpuState.SizeBytes);
        Tlb.Initialize(_state);
        _state->Ram = memory.Ram;
        _state->RamEnd = memory.End;
        _state->RamLowEnd = memory.LowEnd;
        _state->PageFlags = memory.Flags;
        _state->ManagedHalf = GCHandle.ToIntPtr(GCHandle.Alloc(this, GCHandleType.Weak));
        memory.Attach(this);
        Events = new EventControl(this);
        Debug = new DebugControl(this);
    }

    ~VcpuEngine() => Release();

    public int Index { get; }

    public GuestMemory Memory { get; }

    public BlockCache Blocks { get; }

    public BlockBuilder Builder { get; }

    public EventControl Events { get; }

    public DebugControl Debug { get; }

    public HostVendor HostVendor { get; set; } = HostVendor.Intel;

    public CpuidTable Cpuid { get; private set; } = CpuidTable.Empty;

    public CpuidDialect CpuidDialect { get; set; }

    /// <summary>What the table offers of KVM's paravirtual features.</summary>
    public ParavirtualFeature Paravirtual { get; private set; }

    public CpuState* State
    {
        get
        {
            ObjectDisposedException.ThrowIf(_state == null, this);
            return _state;
        }
    }

    /// <summary>What the guest has read by CPUID.</summary>
    public CpuidRecord CpuidRead { get; } = new();

    /// <summary>IA32_TSC_ADJUST: guest TSC minus VM time.</summary>
    public ulong TscAdjust => *CpuState.Msr(State, MsrSlots.TscAdjust);

    /// <summary>Why the last emulation failure or shutdown happened, in words.</summary>
    public string ExitText { get; set; } = "";

    public static VcpuEngine Of(CpuState* state) => (VcpuEngine)GCHandle.FromIntPtr(state->ManagedHalf).Target!;

    /// <summary>Sets the table and everything that is derived from it: the decoder and the page walk ask for features.
    /// </summary>
    public void ReplaceCpuid(CpuidTable table)
    {
        Cpuid = table;
        State->PhysicalAddressMask = GuestFeatures.PhysicalAddressMask(table);
        State->Features = GuestFeatures.Of(table);
        Paravirtual = ParavirtualCpuid.Of(table);
        DropAllTranslations();
    }

    /// <summary>Forgets all translations and decoded code. Only between two runs.</summary>
    public void DropAllTranslations()
    {
        Tlb.Flush(State);
        State->CurrentBlock = null;
        Blocks.DropAll();
    }

    /// <summary>The answer to a CPUID instruction.</summary>
    public CpuidRegisters ReadCpuid(uint leaf, uint subleaf, in CpuidRuntime runtime)
    {
        if (CpuidDialect == CpuidDialect.Kvm)
        {
            return Cpuid.Query(leaf, subleaf, runtime);
        }

        // Only the mark of what is read next can change: no feature with it, so nothing derived either.
        CpuidTable table = Cpuid;
        CpuidRegisters registers = CpuidKvm2007.Read(ref table, leaf, subleaf, runtime);
        Cpuid = table;
        return registers;
    }

    public void DropWriteTranslations() => Tlb.FlushWrites(State);

    public void DropWriteTranslations(int pageNumber) =>
        Tlb.FlushWritesTo(State, Memory.Ram + ((ulong)pageNumber * GuestMemory.PageBytes));

    public bool CodeWritten(int pageNumber, int offsetInPage, int length) =>
        Blocks.Invalidate(pageNumber, offsetInPage, length);

    public void DropTranslations()
    {
        Tlb.Flush(State);

        // The block that changes them was itself found by one, and so were those behind it: the runner looks again.
        Block* block = State->CurrentBlock;
        if (block != null && block->IsValid)
        {
            block->Taken = null;
            block->Fallthrough = null;
            Blocks.Invalidate(block);
        }
    }

    public void Dispose()
    {
        Memory.Detach(this);
        Release();
        GC.SuppressFinalize(this);
    }

    private void Release()
    {
        if (_state == null)
        {
            return;
        }

        GCHandle.FromIntPtr(_state->ManagedHalf).Free();
        NativeMemory.AlignedFree(_state);
        _state = null;
        Blocks.Dispose();
        Builder.Dispose();
    }
}
