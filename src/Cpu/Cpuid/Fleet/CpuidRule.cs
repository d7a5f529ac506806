// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>How a register of a CPUID table is compared. The first four decide what one table is to another; the
/// others are told and decide nothing.</summary>
public enum CpuidRule
{
    /// <summary>A bit is a feature; the inverted bits tell that something is missing.</summary>
    Features = 0,

    /// <summary>Numbers packed into a register, of which the larger is more: address widths, counters.</summary>
    Numbers = 1,

    /// <summary>Leaf 0DH: a component is there or not, and where both have it, place and size are the same.</summary>
    Xsave = 2,

    /// <summary>A leaf that is the same, or contradicts: those that nobody knows how to compare.</summary>
    Description = 3,

    /// <summary>Highest leaves and subleaves: what the leaves hold is compared by itself.</summary>
    Limits = 4,

    /// <summary>Maker, family, model, stepping, name, serial number.</summary>
    Identity = 5,

    /// <summary>APIC ids, threads, cores, packages.</summary>
    Topology = 6,

    /// <summary>Caches and translation buffers.</summary>
    Caches = 7,

    /// <summary>Frequencies, power, resource control, monitoring: leaves that no guest gets from the CPU.</summary>
    Platform = 8,

    /// <summary>What the hypervisor says and not the CPU: its leaves and its bit.</summary>
    Hypervisor = 9,
}
