// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid;

/// <summary>That a guest has read a leaf and subleaf, when first (VM time, ticks) and how often.</summary>
public readonly record struct CpuidObservation(uint Leaf, uint Subleaf, ulong FirstVmTime, ulong Reads);
