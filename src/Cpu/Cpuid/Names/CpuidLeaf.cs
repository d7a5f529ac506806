// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Names;

/// <summary>A leaf as the table names it.</summary>
/// <param name="HasSubleaves">False if ECX is ignored.</param>
/// <param name="Subleaves">How its subleaves are found, as a sentence.</param>
public sealed record CpuidLeaf(uint Leaf, string Title, bool HasSubleaves, string Subleaves, CpuidMaker Maker);
