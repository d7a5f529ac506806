// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;

namespace KvmActors.Cpu;

/// <summary>Counts the exits of one vCPU.</summary>
internal sealed class ExitCounter
{
    private readonly long[] _counts = new long[(int)Kind.Debug + 1];

    private enum Kind
    {
        BudgetSpent,
        DeadlineChanged,
        PortRead,
        PortWrite,
        Halted,
        Hypercall,
        InvalidOpcode,
        Shutdown,
        EmulationFailure,
        Debug,
    }

    public ExitCounts Counts => new()
    {
        BudgetSpent = _counts[(int)Kind.BudgetSpent],
        DeadlineChanged = _counts[(int)Kind.DeadlineChanged],
        PortRead = _counts[(int)Kind.PortRead],
        PortWrite = _counts[(int)Kind.PortWrite],
        Halted = _counts[(int)Kind.Halted],
        Hypercall = _counts[(int)Kind.Hypercall],
        InvalidOpcode = _counts[(int)Kind.InvalidOpcode],
        Shutdown = _counts[(int)Kind.Shutdown],
        EmulationFailure = _counts[(int)Kind.EmulationFailure],
        Debug = _counts[(int)Kind.Debug],
    };

    public void Note(VmExit exit) => _counts[(int)KindOf(exit)]++;

    private static Kind KindOf(VmExit exit) => exit switch
    {
        VmExit.BudgetSpent => Kind.BudgetSpent,
        VmExit.PortRead => Kind.PortRead,
        VmExit.PortWrite => Kind.PortWrite,
        VmExit.DeadlineChanged => Kind.DeadlineChanged,
        VmExit.Halted => Kind.Halted,
        VmExit.Hypercall => Kind.Hypercall,
        VmExit.InvalidOpcode => Kind.InvalidOpcode,
        VmExit.Shutdown => Kind.Shutdown,
        VmExit.EmulationFailure => Kind.EmulationFailure,
        VmExit.Debug => Kind.Debug,
        _ => throw new UnreachableException($"Expected a known VM exit, found {exit.GetType().Name}."),
    };
}
