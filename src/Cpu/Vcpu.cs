// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Apic;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Debugging;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.Paravirtual;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Translate;

namespace KvmActors.Cpu;

// JUSTIFICATION: the facade over the unmanaged state; see CpuState.
// SAFETY: the engine refuses a disposed state; register numbers are checked before they become offsets.

/// <summary>One virtual processor: runs the guest until it needs something that is not the processor's, and says what.
/// </summary>
/// <remarks>Deterministic: the same state, memory and answers at the same counts give the same end, bit for bit,
/// however a run is cut into pieces. Not safe for several threads; all vCPUs of one VM run on one thread at a time,
/// because they share <see cref="GuestMemory"/> without locks. Nothing a guest does makes a method throw.</remarks>
public sealed unsafe class Vcpu : IDisposable
{
    /// <summary>Faults that may follow each other without an instruction retired between them. A processor would go on
    /// for ever, and no budget would ever be spent; here the vCPU shuts down as after a triple fault.</summary>
    public const int FaultsInARowMax = 10_000;

    private readonly VcpuEngine _engine;
    private readonly Runner _runner;
    private readonly ExitCounter _exits = new();
    private readonly TranslatorTier? _tier;

    /// <summary>A vCPU in KVM's reset state, with an empty CPUID table.</summary>
    /// <param name="index">Its number in the VM; 0 is the bootstrap processor.</param>
    /// <param name="memory">The VM's memory, which must outlive the vCPU.</param>
    /// <param name="engine">What executes the instructions; nothing the guest or a state's reader can tell.</param>
    /// <exception cref="PlatformNotSupportedException">The host cannot run the translator that was asked for.
    /// </exception>
    public Vcpu(int index, GuestMemory memory, EngineOptions? engine = null)
        : this(index, memory, EngineTiers.Create(engine ?? EngineOptions.Default))
    {
        _engine.Builder.InstructionsLimit = (engine ?? EngineOptions.Default).BlockInstructionsMax;
    }

    /// <summary>As the public constructor, with a tier of the caller's making.</summary>
    internal Vcpu(int index, GuestMemory memory, IBlockTier? tier)
    {
        _tier = tier as TranslatorTier;
        _engine = new VcpuEngine(index, memory, tier);
        _runner = new Runner(_engine);
        StateTransfer.Restore(_engine, StateTransfer.Reset(index));
    }

    public int Index => _engine.Index;

    /// <summary>Why no vCPU of this process can have the translator, in words, or null if it can.</summary>
    public static string? TranslatorRefusal => CodeMemory.Refusal;

    /// <summary>What the engine has done since the vCPU was made. Not part of the state, and different in every run.
    /// </summary>
    public EngineStatistics Statistics => (_tier?.Statistics ?? EngineStatistics.None) with
    {
        Instructions = InstructionsRetired,
        TlbMisses = _engine.State->TlbMisses,
        PageWalks = _engine.State->PageWalks,
        BlockLookUps = _engine.Builder.LookUps,
        BlocksDecoded = _engine.Builder.BlocksDecoded,
        InstructionsDecoded = _engine.Builder.InstructionsDecoded,
        Drops = _engine.Blocks.Drops,
        Deliveries = _runner.Deliveries,
        DeviceInstructions = _runner.DeviceInstructions,
        Exits = _exits.Counts,
    };

    /// <summary>Instructions retired since creation. A REP iteration counts one; faults, deliveries and exits none.
    /// </summary>
    public ulong InstructionsRetired => _engine.State->RetiredBefore;

    /// <summary>What CPUID answers, and so which instructions and control bits exist. A new table holds from the next
    /// instruction on.</summary>
    public CpuidTable Cpuid
    {
        get => _engine.Cpuid;
        set => _engine.ReplaceCpuid(value);
    }

    /// <summary>Whose rule answers CPUID. Fixed for a VM's life.</summary>
    public CpuidDialect CpuidDialect
    {
        get => _engine.CpuidDialect;
        set => _engine.CpuidDialect = value;
    }

    /// <summary>Which hypercall instruction is native. Holds from the next instruction on.</summary>
    public HostVendor HostVendor
    {
        get => _engine.HostVendor;
        set => _engine.HostVendor = value;
    }

    /// <summary>What the numbers of RDRAND and RDSEED come from. Fixed for a VM's life.</summary>
    public ulong RandomSeed
    {
        set => _engine.State->RandomStart = RandomSequence.StartOf(value, Index);
    }

    /// <summary>Which CPUID leaves the guest has read, by ascending leaf, then subleaf.</summary>
    public ImmutableArray<CpuidObservation> Observed => [.. _engine.CpuidRead.Observations];

    /// <summary>Devices, other local APICs and the interrupt controller. Without one the vCPU is alone.</summary>
    public IVcpuBus Bus
    {
        get => _engine.Events.Bus;
        set => _engine.Events.Bus = value;
    }

    public VcpuActivity Activity => _engine.State->Activity;

    public ulong Rip
    {
        get => _engine.State->Rip;
        set => _engine.State->Rip = value;
    }

    public ulong RFlags => LazyFlags.Read(_engine.State);

    /// <summary>Current privilege level: 0 in real mode, 3 in virtual-8086 mode.</summary>
    public int Cpl => _engine.State->Cpl;

    public CpuMode Mode => _engine.State->Mode;

    /// <summary>What is added to RIP to give a linear address: the base of CS, 0 in 64-bit mode.</summary>
    public ulong CodeBase => _engine.State->CodeBase;

    /// <summary>The linear address of the next instruction.</summary>
    public Gva LinearRip
    {
        get
        {
            CpuState* state = _engine.State;
            ulong linear = state->CodeBase + state->Rip;
            return new Gva(state->Mode == CpuMode.Long64 ? linear : (uint)linear);
        }
    }

    /// <exception cref="ArgumentOutOfRangeException">No such register.</exception>
    public ulong ReadGpr(Gpr register) => CpuState.Gprs(_engine.State)[Checked(register)];

    /// <summary>Writes all 64 bits.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No such register.</exception>
    public void WriteGpr(Gpr register, ulong value) => CpuState.Gprs(_engine.State)[Checked(register)] = value;

    /// <summary>Runs until <paramref name="budget"/> instructions are retired, or something else ends the run first.
    /// </summary>
    /// <param name="budget">Instructions to retire at most; exactly so many if the answer is
    /// <see cref="VmExit.BudgetSpent"/>.</param>
    /// <param name="vmTime">VM time at entry, in ticks; TSC is VM time + TSC_ADJUST.</param>
    /// <remarks>A vCPU that is halted or shut down retires nothing and says so. A port access that was not completed is
    /// executed again.</remarks>
    public VmExit Run(ulong budget, ulong vmTime)
    {
        VmExit exit = _runner.Run(budget, vmTime);
        _exits.Note(exit);
        return exit;
    }

    /// <summary>Answers <see cref="VmExit.PortRead"/>: the instruction, or one iteration of it, retires.</summary>
    /// <param name="value">The value read; bits beyond the access size are ignored.</param>
    /// <exception cref="InvalidOperationException">No port read waits.</exception>
    public void CompletePortRead(uint value) => PortCompletion.CompleteRead(_engine, value);

    /// <summary>Answers <see cref="VmExit.PortWrite"/>: the instruction, or one iteration of it, retires.</summary>
    /// <exception cref="InvalidOperationException">No port write waits.</exception>
    public void CompletePortWrite() => PortCompletion.CompleteWrite(_engine);

    /// <summary>The state at an instruction boundary. A port access that waits for its answer is not part of it:
    /// whoever restores the state sees the instruction exit again.</summary>
    public VcpuState Save() => StateTransfer.Save(_engine);

    /// <summary>Replaces the state, except the index. Translations and decoded code are dropped.</summary>
    /// <exception cref="ArgumentException">A list of the state has the wrong length, or an MSR is unknown; nothing is
    /// changed then.</exception>
    public void Restore(VcpuState state)
    {
        StateTransfer.Restore(_engine, state);
        _runner.ForgetInjection();
        _engine.Debug.Forget();
    }

    /// <summary>Where a debugger wants the vCPU to stop. Not part of the state: a restore keeps it.</summary>
    public GuestDebug GuestDebug
    {
        get => _engine.Debug.Wanted;
        set => _engine.Debug.Wanted = value;
    }

    /// <summary>Whether a run ends behind each delivery of an exception or an interrupt, with
    /// <see cref="VmExit.Debug"/>.</summary>
    public bool StopsAtDelivery
    {
        get => _engine.Debug.StopsAtDelivery;
        set => _engine.Debug.StopsAtDelivery = value;
    }

    /// <summary>How many steps that retire nothing (deliveries, answers to #UD exits) the vCPU has taken since the last
    /// instruction it retired.</summary>
    public int CostlessSteps => _engine.Debug.CostlessSteps;

    /// <summary>What was delivered to the guest since the last call, if anything: the last of it.</summary>
    public GuestDelivery? TakeDelivery() => _engine.Debug.TakeDelivery();

    /// <summary>Copies the 16 general registers, in the order of <see cref="Gpr"/>.</summary>
    public void ReadGprs(Span<ulong> destination) =>
        new ReadOnlySpan<ulong>(CpuState.Gprs(_engine.State), CpuState.GprCount).CopyTo(destination);

    /// <summary>Where a linear address leads now, or null where nothing is mapped. Asks for no rights and changes
    /// nothing. As KVM_TRANSLATE.</summary>
    public Gpa? Translate(Gva linear) => GuestWindow.Inspect(_engine, linear);

    /// <summary>Reads bytes as an instruction fetch of the guest at its present CPL would.</summary>
    public GuestAccess ReadCode(Gva start, Span<byte> destination) =>
        GuestWindow.ReadCode(_engine, start, destination);

    /// <summary>Writes bytes as a store of the guest at its present CPL would, honouring CR0.WP and page protection:
    /// all of them or, with a fault, none.</summary>
    public GuestAccess WriteAsGuest(Gva start, ReadOnlySpan<byte> bytes) =>
        GuestWindow.WriteAsGuest(_engine, start, bytes);

    /// <summary>Delivers an exception through the guest's IDT, with RIP at the current instruction. Takes effect at
    /// once; if the delivery ends in a triple fault, the next <see cref="Run"/> says so.</summary>
    public void InjectException(byte vector, uint? errorCode, ulong? cr2) =>
        _runner.InjectException(new GuestFault(vector, errorCode, cr2));

    /// <summary>VM time at which the timer of the local APIC fires, or null. Whoever runs the vCPU ends a run there and
    /// calls <see cref="Advance"/>.</summary>
    public ulong? NextDeadline => _engine.Events.Apic.NextDeadline(_engine.TscAdjust);

    /// <summary>True if <see cref="Run"/> would execute something, take an event or say that the vCPU has shut down;
    /// false for one that stands still until something comes.</summary>
    public bool CanRun => _engine.Events.Wakes;

    /// <summary>True if a vCPU that stands still could be woken by an interrupt: it is halted with RFLAGS.IF set.
    /// </summary>
    public bool AwaitsInterrupt => _engine.State->Activity == VcpuActivity.Halted
        && (_engine.State->SystemFlags & State.RFlags.Interrupt) != 0;

    /// <summary>The priority that a lowest-priority message is decided by: PPR.</summary>
    public uint InterruptPriority => _engine.Events.Apic.ProcessorPriority;

    /// <summary>Tells the local APIC's timer that VM time has come so far.</summary>
    public void Advance(ulong vmTime) => _engine.Events.Apic.Advance(vmTime, _engine.TscAdjust);

    /// <summary>True if the local APIC is there for others: IA32_APIC_BASE has it enabled. Its id is the vCPU's index.
    /// </summary>
    public bool HasApicId => _engine.Events.Apic.Mode != ApicMode.Disabled;

    /// <summary>What the vCPU's CPUID table offers of KVM's paravirtual features.</summary>
    public ParavirtualFeature Paravirtual => _engine.Paravirtual;

    /// <summary>IA32_TSC_ADJUST: what the guest reads as its TSC, less VM time.</summary>
    public ulong TscAdjust => _engine.TscAdjust;

    /// <summary>Writes the vCPU's paravirtual clock to where the guest wants it, if it wants it.</summary>
    /// <param name="vmTime">VM time now.</param>
    /// <param name="isStable">True if all vCPUs of the VM read one TSC.</param>
    public void WriteClock(ulong vmTime, bool isStable) => ParavirtualClock.WriteTime(
        _engine.Memory, *CpuState.Msr(_engine.State, MsrSlots.SystemTime), vmTime, vmTime + TscAdjust, isStable);

    /// <summary>Sets MSR KVM_WALL_CLOCK, which all vCPUs of a VM have in common. Nothing is written to
    /// memory.</summary>
    public void SetWallClockRegister(ulong value) => *CpuState.Msr(_engine.State, MsrSlots.WallClock) = value;

    /// <summary>True if the destination of a message, without its shorthand, is this vCPU's local APIC.</summary>
    public bool IsAddressed(InterruptMessage message) => _engine.Events.Apic.IsAddressed(message);

    /// <summary>Gives the vCPU an interrupt message; it is taken at the next instruction boundary that allows it.
    /// </summary>
    /// <returns>False if this vCPU takes no such message now.</returns>
    public bool TryReceive(InterruptMessage message) => _engine.Events.TryReceive(message);

    /// <summary>Retires the instruction at RIP as done by the hypervisor: RIP moves on, it counts one, and the
    /// interrupt shadow ends.</summary>
    /// <param name="lengthBytes">Length of the instruction.</param>
    public void SkipInstruction(int lengthBytes) => PortCompletion.Retire(_engine.State, lengthBytes);

    public void Dispose() => _engine.Dispose();

    private static int Checked(Gpr register) => (uint)register < CpuState.GprCount
        ? (int)register
        : throw new ArgumentOutOfRangeException(nameof(register), register, "Registers are numbered from 0 to 15.");
}
