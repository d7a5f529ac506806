// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.State;

/// <summary>Why a handler left the block it was in. Becomes a fault delivery or a <see cref="VmExit"/>.</summary>
internal enum ExitReason
{
    /// <summary>Nothing to do: go on at RIP.</summary>
    None = 0,

    /// <summary>A guest exception waits in the fault fields; RIP is where it has to be for its delivery.</summary>
    Fault,

    BudgetSpent,
    PortRead,
    PortWrite,
    Halted,
    Hypercall,
    InvalidOpcode,
    Shutdown,
    EmulationFailure,

    /// <summary>A debugger's breakpoint or watchpoint, or a delivery it wants to see.</summary>
    Debug,
}
