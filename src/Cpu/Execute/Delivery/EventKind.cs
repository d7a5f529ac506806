// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Execute.Delivery;

/// <summary>Where an event that goes through the IDT comes from.</summary>
internal enum EventKind
{
    /// <summary>An exception the processor raised.</summary>
    Exception,

    /// <summary>INT n, INT3 or INTO: the gate's DPL counts, and RIP is behind the instruction.</summary>
    Software,

    /// <summary>From outside of the processor.</summary>
    External,
}
