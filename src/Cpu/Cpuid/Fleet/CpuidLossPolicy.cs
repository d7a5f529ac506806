// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>Whether a guest may lose what its table promises.</summary>
public enum CpuidLossPolicy
{
    /// <summary>Never: whatever is missing refuses. What migration goes by.</summary>
    Strict = 0,

    /// <summary>It may lose what lies in leaves that it has never read. A guest can use a feature without asking
    /// CPUID for it, so this is a person's decision.</summary>
    AllowUnobserved = 1,
}
