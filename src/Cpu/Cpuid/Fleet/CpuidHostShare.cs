// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>What one host does to its pool.</summary>
/// <param name="Name">The host.</param>
/// <param name="Vendor">As in its leaf 0.</param>
/// <param name="Costs">What this host alone costs.</param>
/// <param name="SharedCosts">How many further things it costs together with others.</param>
/// <param name="Gain">What the pool would have more if this host left: A is the pool, B the pool without it.</param>
public sealed record CpuidHostShare(
    string Name,
    string Vendor,
    ImmutableArray<CpuidCost> Costs,
    int SharedCosts,
    ImmutableArray<CpuidDifference> Gain);
