// SPDX-License-Identifier: Apache-2.0

using System.Buffers;
using System.Collections.Immutable;
using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.Memory;
using KvmActors.Machine.Devices;
using KvmActors.Machine.Hashing;
using KvmActors.Machine.Loaders;
using KvmActors.Machine.Time;

namespace KvmActors.Machine;

/// <summary>A whole VM: its vCPUs, memory, devices and virtual time, run in slices.</summary>
/// <remarks>
/// <para><b>Deterministic.</b> What a VM does is a function of its state and of what its owner does to it between
/// slices, at a VM time: <see cref="InjectInput"/>, <see cref="HostVendor"/>, <see cref="SetCpuid"/>. How the run is
/// cut into slices is not visible to the guest and leaves no trace in any state.</para>
/// <para><b>Settled.</b> A tick of VM time is one retired instruction, while faults, patched hypercall sites and exits
/// cost none. For "the state at VM time t" to be one state, a slice stops only right behind the t-th instruction,
/// before anything that costs nothing has happened: so a yield may come an instruction later than asked. An end that
/// costs no instruction (a triple fault, an emulation failure) is therefore met by the slice that goes beyond that
/// time, not by the one whose limit is that time.</para>
/// <para><b>Bounded.</b> A guest that faults without end retires nothing, so its time stands still and it never
/// settles. After <see cref="FruitlessStepsMax"/> such steps it is ended like a triple fault.</para>
/// <para>Not thread-safe: one thread at a time calls it, any thread may.</para>
/// </remarks>
public sealed partial class VirtualMachine : IDisposable
{
    /// <summary>Instructions between two looks at <see cref="SliceLimits.ShouldYield"/>, less for exits, which are
    /// dearer.
    /// </summary>
    public const ulong PollInstructions = 50_000;

    /// <summary>VM exits in a row that retire nothing, after which a guest is lost: as with a vCPU's faults.</summary>
    public const int FruitlessStepsMax = Vcpu.FaultsInARowMax;

    /// <summary>Console bytes after which a slice yields by itself.</summary>
    public const int ConsoleBytesPerSliceMax = 256 * 1024;

    /// <summary>Patches after which a slice yields by itself.</summary>
    public const int PatchesPerSliceMax = 1024;

    /// <summary>Bytes of console input that may wait for the guest.</summary>
    public const int InputBytesMax = Serial16550.ReceivedBytesMax;

    /// <summary>An exit costs about as much time as this many instructions.</summary>
    private const ulong ExitPollInstructions = 100;

    private readonly Platform _platform;
    private readonly MachineEvents _events;
    private readonly VcpuSet _vcpus;
    private readonly ArrayBufferWriter<byte> _console = new();
    private readonly MachineHypercalls _hypercalls;
    private readonly MachineExits _exits;
    private readonly MemorySummer _summer;
    private ulong _consoleOffset;

    private VirtualMachine(MachineSpec spec, EngineOptions? engine)
    {
        MachineSpecRules.Check(spec);
        Spec = spec;
        Memory = new GuestMemory(spec.MemoryBytes);
        _summer = new MemorySummer(Memory);
        _platform = new Platform(
            new PlatformOptions(spec.MemoryBytes, spec.VcpuCount, spec.RtcStartUnixSeconds),
            _console,
            message => _vcpus!.Send(sender: null, message));
        MachineBus bus = new(_platform);
        _vcpus = new VcpuSet(spec, Memory, bus, engine);
        MachineClocks clocks = new(spec, Memory, _vcpus);
        bus.Connect(_vcpus, clocks);
        _hypercalls = new MachineHypercalls(spec, _vcpus, clocks);
        _events = new MachineEvents(_vcpus, _platform);
        _exits = new MachineExits(_platform, _events, _hypercalls);
        Debugger = new MachineDebugger(this, _vcpus);
    }

    public MachineSpec Spec { get; }

    /// <summary>Guest RAM. Its owner may read it between slices and take its dirty log, but for
    /// <see cref="DirtyReader.Hash"/>, which <see cref="SumMemory"/> takes.</summary>
    public GuestMemory Memory { get; }

    /// <summary>Ticks since creation.</summary>
    public ulong VmTime { get; private set; }

    /// <summary>By all vCPUs since creation.</summary>
    public ulong InstructionsRetired => _vcpus.InstructionsRetired;

    /// <summary>What the engines of its vCPUs have done in this process, together.</summary>
    public EngineStatistics Statistics => _vcpus.Statistics;

    /// <summary>How the VM ended, or null while it can run.</summary>
    public MachineEnd? End => _exits.End;

    /// <summary>For whoever debugs this VM, which must be a replica: see there.</summary>
    public MachineDebugger Debugger { get; }

    /// <summary>Which hypercall instruction is native from now on. The caller journals it at
    /// <see cref="VmTime"/>.</summary>
    public HostVendor HostVendor
    {
        get => _vcpus.HostVendor;
        set => _vcpus.HostVendor = value;
    }

    /// <summary>How many bytes <see cref="InjectInput"/> takes now.</summary>
    public int InputRoomBytes => _platform.Serial.InputRoomBytes;

    /// <summary>A new VM at VM time 0 with the image loaded.</summary>
    /// <param name="cpuid">One table per vCPU.</param>
    /// <param name="engine">What executes the instructions; null: what fits the host.</param>
    /// <exception cref="BootImageException">The image does not fit the memory.</exception>
    /// <exception cref="ArgumentException">The spec asks for what this version cannot do.</exception>
    public static VirtualMachine Create(
        MachineSpec spec,
        ImmutableArray<CpuidTable> cpuid,
        HostVendor vendor,
        BootImage image,
        EngineOptions? engine = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        VirtualMachine machine = new(spec, engine);
        try
        {
            MachineSpecRules.CheckTables(spec, cpuid);
            Vcpu bootstrap = machine._vcpus[0];
            bootstrap.Restore(BootPlacement.Place(
                image, machine.Memory, bootstrap.Save(), spec.VcpuCount));
            machine._vcpus.SetTables(cpuid);
            if (image.Protocol != BootProtocol.Flat)
            {
                LegacyFirmware.ProgramDevices(machine._platform.Bus);
            }

            machine.HostVendor = vendor;
            return machine;
        }
        catch
        {
            machine.Dispose();
            throw;
        }
    }

    /// <summary>Replaces a vCPU's CPUID table from now on. The caller journals it at <see cref="VmTime"/>.</summary>
    public void SetCpuid(int vcpu, CpuidTable table)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(vcpu);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(vcpu, Spec.VcpuCount);
        _vcpus[vcpu].Cpuid = table;
    }

    /// <summary>Gives bytes to the console's input at the current VM time.</summary>
    /// <exception cref="ArgumentException">More than <see cref="InputRoomBytes"/>; nothing was taken.</exception>
    public void InjectInput(ReadOnlySpan<byte> bytes)
    {
        _platform.Clock.VmTime = VmTime;
        _platform.Serial.Inject(bytes);
    }

    /// <summary>Runs until a limit, a yield or the VM's end. On a VM that has ended it does nothing.</summary>
    public SliceResult RunSlice(SliceLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        SliceStop stop = RunUntilStop(limits);
        return new SliceResult(
            stop, VmTime, InstructionsRetired, _consoleOffset, TakeConsole(), _hypercalls.TakePatches())
        {
            WakesAt = stop == SliceStop.Resting ? _events.NextHeard ?? ulong.MaxValue : 0,
            Hit = _exits.TakeHit(),
        };
    }

    /// <summary>Puts the VM back, or on, to another moment of its own life. Console output that no slice has given out
    /// is dropped.</summary>
    /// <param name="state">Of this VM.</param>
    /// <param name="pages">The pages that differ now, zero ones too.</param>
    public void ReturnTo(MachineState state, IEnumerable<(int PageNumber, ReadOnlyMemory<byte> Bytes)> pages)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(pages);
        MachineSpecRules.CheckState(Spec, state);
        foreach ((int pageNumber, ReadOnlyMemory<byte> bytes) in pages)
        {
            Memory.Write(new Gpa((ulong)pageNumber * GuestMemory.PageBytes), bytes.Span);
        }

        _ = _hypercalls.TakePatches();
        _console.ResetWrittenCount();
        Adopt(state);
    }

    /// <summary>Everything but memory, as data.</summary>
    public MachineState Save() => new(
        VmTime, HostVendor, _vcpus.Turn, _vcpus.Runner, _vcpus.TurnTicksLeft, _consoleOffset, End,
        _vcpus.Save(),
        _platform.Save(),
        _hypercalls.Sites.ToImmutable());

    /// <summary>The hash of vCPUs and devices; memory is not in it.</summary>
    public StateHash HashState() => StateHasher.Hash(Save());

    /// <summary>The sum over memory; costs the pages written since it was last asked.</summary>
    public MemorySum SumMemory() => _summer.Sum();

    /// <summary>Copies the pages written since the sum was last asked, so that it can be computed while the VM runs
    /// on.</summary>
    public PendingMemorySum CaptureMemory(PageCopies copies) => _summer.Capture(copies);

    public void Dispose()
    {
        _vcpus.Dispose();
        Memory.Dispose();
    }

    /// <summary>One step, as <see cref="MachineDebugger.Step"/> has it.</summary>
    internal SteppedVcpu? TakeStep(ulong standStillUntil, Action<int>? before)
    {
        while (End is null && !_events.AwaitsInputOnly)
        {
            _events.Advance(VmTime);
            if (_vcpus.TryPick())
            {
                Vcpu vcpu = _vcpus.Current;
                (ulong retired, int costless) = (vcpu.InstructionsRetired, vcpu.CostlessSteps);
                _ = vcpu.TakeDelivery();
                before?.Invoke(vcpu.Index);
                _ = Step(budget: 1);
                bool hasRetired = vcpu.InstructionsRetired != retired;

                // Else it only had a deadline to tell.
                if (hasRetired || vcpu.CostlessSteps != costless || _exits.Debug is not null || End is not null)
                {
                    return new SteppedVcpu(vcpu.Index, hasRetired, _exits.TakeHit())
                    {
                        Delivery = hasRetired ? null : vcpu.TakeDelivery(),
                        Console = TakeConsole(),
                        Patches = _hypercalls.TakePatches(),
                    };
                }
            }
            else if (VmTime >= standStillUntil)
            {
                return null;
            }
            else
            {
                StandStill(standStillUntil);
            }
        }

        return null;
    }

    /// <summary>Console bytes that nobody was given. From now on they are in the state as given out.</summary>
    private byte[] TakeConsole()
    {
        byte[] bytes = _console.WrittenSpan.ToArray();
        _consoleOffset += (ulong)bytes.Length;
        _console.ResetWrittenCount();
        return bytes;
    }

    private void Adopt(MachineState state)
    {
        _vcpus.Restore(state.Vcpus, state.Turn, state.Runner, state.TurnTicksLeft);
        HostVendor = state.HostVendor;
        _platform.Clock.VmTime = state.VmTime;
        _platform.Restore(state.Platform);
        _hypercalls.Sites.Restore(state.PatchSites);
        _consoleOffset = state.ConsoleBytes;
        VmTime = state.VmTime;
        _exits.End = state.End;
    }

    private SliceStop RunUntilStop(SliceLimits limits)
    {
        ulong pollLeft = PollInstructions;
        bool yieldWanted = false;
        int fruitlessSteps = 0;
        while (End is null)
        {
            // Settled: see the remarks on the type.
            if (fruitlessSteps == 0 && VmTime >= limits.UntilVmTime)
            {
                return SliceStop.LimitReached;
            }

            if (fruitlessSteps == 0 && (yieldWanted ? SliceStop.Yielded : StopAtRest(limits)) is { } stop)
            {
                return stop;
            }

            _events.Advance(VmTime);
            ulong spent = ExitPollInstructions;
            if (_vcpus.TryPick())
            {
                ulong before = VmTime;
                ulong budget = yieldWanted ? 1 : Math.Min(TicksToRun(limits.UntilVmTime), pollLeft);
                bool settled = Step(budget);
                fruitlessSteps = settled ? 0 : fruitlessSteps + 1;
                _exits.EndIfLost(_vcpus.Current, fruitlessSteps);
                spent = VmTime - before + (settled && VmTime - before == budget ? 0 : ExitPollInstructions);
            }
            else
            {
                StandStill(Math.Min(limits.UntilVmTime, _events.AwaitsInputOnly ? VmTime : limits.StandStillUntil));
            }

            if (_exits.Debug is not null)
            {
                return SliceStop.Debug;
            }

            yieldWanted |= SliceIsFull();
            if (spent < pollLeft)
            {
                pollLeft -= spent;
                continue;
            }

            pollLeft = PollInstructions;
            yieldWanted |= limits.ShouldYield();
        }

        return SliceStop.Ended;
    }

    /// <summary>Why a slice may end here although its limit is not reached: no vCPU can run, and no timer is due at
    /// this VM time. Asked where a limit is, before anything that costs nothing has happened.</summary>
    private SliceStop? StopAtRest(SliceLimits limits) =>
        _vcpus.CanRun || _events.Next <= VmTime ? null
        : _events.AwaitsInputOnly ? SliceStop.Idle
        : VmTime >= limits.StandStillUntil && !_events.IsOver ? SliceStop.Resting
        : null;

    private ulong TicksToRun(ulong untilVmTime) =>
        Math.Min(_events.TicksTo(untilVmTime, VmTime), _vcpus.TurnTicksLeft);

    /// <summary>No vCPU can run: VM time goes on to the next timer, and no further than the limit, but by one tick at
    /// least.</summary>
    private void StandStill(ulong untilVmTime)
    {
        _exits.EndIfOver();
        if (End is null)
        {
            VmTime += _events.TicksTo(untilVmTime, VmTime);
        }
    }

    /// <summary>Runs up to one exit and serves it. True if the last thing that happened was an instruction's
    /// retirement.
    /// </summary>
    private bool Step(ulong budget)
    {
        Vcpu vcpu = _vcpus.Current;
        ulong counted = vcpu.InstructionsRetired;
        VmExit exit = vcpu.Run(budget, VmTime);
        ulong ran = vcpu.InstructionsRetired - counted;
        VmTime += ran;
        bool isSettled = _exits.Serve(vcpu, exit, VmTime);
        ulong served = vcpu.InstructionsRetired - counted - ran;
        VmTime += served;
        _vcpus.Charge(ran + served);
        return isSettled || served > 0;
    }

    private bool SliceIsFull() =>
        _console.WrittenCount >= ConsoleBytesPerSliceMax || _hypercalls.PatchCount >= PatchesPerSliceMax;
}
