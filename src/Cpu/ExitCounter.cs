// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;

namespace KvmActors.Cpu;

/// <summary>Counts the exits of one vCPU.</summary>
internal sealed class ExitCounter
{
    private long _budgetSpent;
    private long _deadlineChanged;
    private long _portRead;
    private long _portWrite;
    private long _halted;
    private long _hypercall;
    private long _invalidOpcode;
    private long _shutdown;
    private long _emulationFailure;
    private long _debug;

    public ExitCounts Counts => new()
    {
        BudgetSpent = _budgetSpent,
        DeadlineChanged = _deadlineChanged,
        PortRead = _portRead,
        PortWrite = _portWrite,
        Halted = _halted,
        Hypercall = _hypercall,
        InvalidOpcode = _invalidOpcode,
        Shutdown = _shutdown,
        EmulationFailure = _emulationFailure,
        Debug = _debug,
    };

    public void Note(VmExit exit)
    {
        ref long count = ref CountOf(exit);
        count++;
    }

    private ref long CountOf(VmExit exit)
    {
        switch (exit)
        {
            case VmExit.BudgetSpent: return ref _budgetSpent;
            case VmExit.PortRead: return ref _portRead;
            case VmExit.PortWrite: return ref _portWrite;
            case VmExit.DeadlineChanged: return ref _deadlineChanged;
            case VmExit.Halted: return ref _halted;
            case VmExit.Hypercall: return ref _hypercall;
            case VmExit.InvalidOpcode: return ref _invalidOpcode;
            case VmExit.Shutdown: return ref _shutdown;
            case VmExit.EmulationFailure: return ref _emulationFailure;
            case VmExit.Debug: return ref _debug;
            default: throw new UnreachableException($"Expected a known VM exit, found {exit.GetType().Name}.");
        }
    }
}
