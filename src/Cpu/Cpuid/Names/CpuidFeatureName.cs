// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Names;

/// <summary>A feature as the table names it.</summary>
/// <param name="Meaning">What it is, where the name does not say it; else empty.</param>
public sealed record CpuidFeatureName(string Name, CpuidFeature Feature, CpuidMaker Maker, string Meaning);
