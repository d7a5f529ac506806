// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Debugging;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Events;

// JUSTIFICATION: see CpuState.
// SAFETY: works on the state of the engine it belongs to.

/// <summary>Stops a vCPU for a debugger outside of the guest.</summary>
/// <remarks>
/// <para>The builder begins a block at each breakpoint, and no budget covers such a block, so that the runner comes by
/// here first. A page with watched data gets no TLB entry for data, so that each access to it comes to
/// <see cref="LinearMemory"/>; one that meets a watchpoint in the middle of a block is left and executed again by
/// itself, as with a device. All other code runs at full speed.</para>
/// <para>Blocks are found by physical address and RIP: code that is mapped twice, under segments of other bases but
/// with one RIP, stops only where it was decoded first.</para>
/// </remarks>
internal sealed unsafe class DebugControl(VcpuEngine engine)
{
    private const ulong PageMask = ~(ulong)(GuestMemory.PageBytes - 1);

    private readonly HashSet<ulong> _breakpoints = [];
    private GuestDebug _wanted = GuestDebug.None;
    private DebugHit? _hit;
    private GuestDelivery? _delivery;

    private ulong _costlessAt;
    private int _costless;

    // The stop that was reported last: going on passes it.
    private (ulong Retired, int Costless, ulong Linear)? _passed;

    /// <summary>Takes effect with the next instruction.</summary>
    public GuestDebug Wanted
    {
        get => _wanted;
        set
        {
            _wanted = value;
            _breakpoints.Clear();
            foreach (Gva breakpoint in value.Breakpoints)
            {
                _ = _breakpoints.Add(breakpoint.Value);
            }

            engine.State->HasWatchpoints = value.Watchpoints.IsEmpty ? 0 : 1;
            engine.DropAllTranslations();
        }
    }

    /// <summary>Whether a run ends behind the delivery of an exception or an interrupt too.</summary>
    public bool StopsAtDelivery { get; set; }

    /// <summary>Deliveries, patched sites and the like since the last instruction retired: what costs none.</summary>
    public int CostlessSteps => _costlessAt == Retired ? _costless : 0;

    private ulong Retired => engine.State->RetiredBefore + (ulong)(engine.State->BudgetAtEntry - engine.State->Budget);

    /// <summary>To be called when the whole state is replaced.</summary>
    public void Forget()
    {
        _hit = null;
        _passed = null;
        _costless = 0;
        engine.State->IsWatchMet = 0;
    }

    public bool HasBreakpoint(ulong linear) => _breakpoints.Contains(linear);

    /// <summary>True if the vCPU is to stop before the instruction at RIP: then the exit reason is set.</summary>
    public bool StopsBefore(ulong linear)
    {
        (ulong, int, ulong) here = (Retired, CostlessSteps, linear);
        if (_passed == here || !HasBreakpoint(linear))
        {
            return false;
        }

        _passed = here;
        _hit = new DebugHit.Breakpoint(engine.Index, new Gva(linear));
        engine.State->Exit = ExitReason.Debug;
        return true;
    }

    /// <summary>To be called behind each step that retires nothing and changes the state.</summary>
    public void OnCostlessStep()
    {
        ulong retired = Retired;
        _costless = _costlessAt == retired ? _costless + 1 : 1;
        _costlessAt = retired;
        if ((StopsAtDelivery || _hit is not null) && engine.State->Exit == ExitReason.None)
        {
            engine.State->Exit = ExitReason.Debug;
        }
    }

    /// <summary>To be called behind each delivery that leads to a handler.</summary>
    public void OnDelivery(byte vector, bool isInterrupt, uint? errorCode) =>
        _delivery = new GuestDelivery(vector, isInterrupt, errorCode);

    /// <summary>What was delivered since the last call, if anything: the last of it.</summary>
    public GuestDelivery? TakeDelivery()
    {
        GuestDelivery? delivery = _delivery;
        _delivery = null;
        return delivery;
    }

    /// <summary>True if the page has watched data: it may have no TLB entry for it.</summary>
    public bool WatchesPage(ulong linear)
    {
        ulong page = linear & PageMask;
        foreach (Watchpoint watchpoint in _wanted.Watchpoints)
        {
            ulong first = watchpoint.Start.Value & PageMask;
            ulong last = (watchpoint.Start.Value + (ulong)watchpoint.SizeBytes - 1) & PageMask;
            if (page - first <= last - first)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>To be called before an access, while there are watchpoints. False if the instruction must be executed
    /// again by itself: the fault fields ask for it.</summary>
    public bool MayAccess(ulong linear, int sizeBytes, bool isWrite)
    {
        foreach (Watchpoint watchpoint in _wanted.Watchpoints)
        {
            if (!watchpoint.IsMetBy(linear, sizeBytes, isWrite))
            {
                continue;
            }

            if (engine.State->MayReachDevices == 0)
            {
                Faults.Record(engine.State, DeviceAccess.Vector);
                return false;
            }

            _hit ??= new DebugHit.Watch(engine.Index, watchpoint, new Gva(linear));
            engine.State->IsWatchMet = 1;
            return true;
        }

        return true;
    }

    /// <summary>To be called behind an instruction that has met a watchpoint.</summary>
    /// <param name="isRetired">False if it has ended in a fault.</param>
    /// <param name="isPortAccess">True if it is completed outside: then it is reported by the next run.</param>
    public void OnWatchMet(bool isRetired, bool isPortAccess)
    {
        engine.State->IsWatchMet = 0;
        if (!isRetired && !isPortAccess)
        {
            _hit = null;
        }
        else if (engine.State->Exit == ExitReason.None)
        {
            engine.State->Exit = ExitReason.Debug;
        }
    }

    /// <summary>What was met, which is forgotten. Null where nothing was, as behind a delivery.</summary>
    public DebugHit? TakeHit()
    {
        DebugHit? hit = _hit;
        _hit = null;
        engine.State->IsWatchMet = 0;
        return hit;
    }

    /// <summary>The exit for what was met outside of a run: a port access that was completed.</summary>
    public VmExit? TakeExit() => _hit is null ? null : new VmExit.Debug(TakeHit());
}
