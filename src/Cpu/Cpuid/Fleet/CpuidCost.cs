// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>Something that a host offers, its pool does not, and because of whom.</summary>
/// <param name="Lost">What it is: A is the most that a host offers, B what the baseline offers.</param>
/// <param name="Reason">How the hosts cost it.</param>
/// <param name="Hosts">Who costs it, in the order of the pool.</param>
public sealed record CpuidCost(CpuidDifference Lost, CpuidCostReason Reason, ImmutableArray<string> Hosts)
{
    /// <summary>True if the pool would have it but for one host.</summary>
    public bool IsOfOneHost => Hosts.Length == 1;
}
