// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Names;

/// <summary>Whose a leaf, a field or a feature is. Hygon follows AMD, Zhaoxin follows Centaur and, for the rest,
/// Intel.</summary>
public enum CpuidMaker
{
    /// <summary>Of more than one maker.</summary>
    Any,
    Intel,
    Amd,
    Centaur,
    Transmeta,
}
