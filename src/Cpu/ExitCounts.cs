// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu;

/// <summary>How often each <see cref="VmExit"/> ended a run of a vCPU: a property for each case, of its name.</summary>
public sealed record ExitCounts
{
    public static ExitCounts None { get; } = new();

    /// <summary>Ends of budgets: turns, timers that are due, and looks at whether to go on.</summary>
    public long BudgetSpent { get; init; }

    public long DeadlineChanged { get; init; }

    public long PortRead { get; init; }

    public long PortWrite { get; init; }

    public long Halted { get; init; }

    public long Hypercall { get; init; }

    public long InvalidOpcode { get; init; }

    public long Shutdown { get; init; }

    public long EmulationFailure { get; init; }

    public long Debug { get; init; }

    public long Sum => BudgetSpent + DeadlineChanged + PortRead + PortWrite + Halted + Hypercall + InvalidOpcode
        + Shutdown + EmulationFailure + Debug;

    /// <summary>What two have counted together.</summary>
    public ExitCounts Plus(ExitCounts other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new ExitCounts
        {
            BudgetSpent = BudgetSpent + other.BudgetSpent,
            DeadlineChanged = DeadlineChanged + other.DeadlineChanged,
            PortRead = PortRead + other.PortRead,
            PortWrite = PortWrite + other.PortWrite,
            Halted = Halted + other.Halted,
            Hypercall = Hypercall + other.Hypercall,
            InvalidOpcode = InvalidOpcode + other.InvalidOpcode,
            Shutdown = Shutdown + other.Shutdown,
            EmulationFailure = EmulationFailure + other.EmulationFailure,
            Debug = Debug + other.Debug,
        };
    }
}
