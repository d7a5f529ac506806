// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>What one table is to another, by the differences that decide.</summary>
public enum CpuidRelation
{
    /// <summary>Neither offers what the other lacks.</summary>
    Identical = 0,

    /// <summary>The first offers all that the second does, and more.</summary>
    Superset = 1,

    /// <summary>The second offers all that the first does, and more.</summary>
    Subset = 2,

    /// <summary>Each lacks something of the other, or they contradict each other.</summary>
    Incompatible = 3,
}
