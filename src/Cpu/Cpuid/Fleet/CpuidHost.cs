// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>A host of a fleet: what it is called and what it offers.</summary>
public sealed record CpuidHost(string Name, CpuidTable Table);
