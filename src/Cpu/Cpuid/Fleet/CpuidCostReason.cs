// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>Why a pool of hosts goes without something.</summary>
public enum CpuidCostReason
{
    /// <summary>The hosts do not have it.</summary>
    Lacks = 0,

    /// <summary>The hosts have the smallest number of all.</summary>
    Smallest = 1,

    /// <summary>The hosts have it otherwise than most, so that no guest could take it from one to the other.</summary>
    Differs = 2,
}
