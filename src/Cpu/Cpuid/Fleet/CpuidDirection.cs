// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>Which of two tables offers more at one place.</summary>
public enum CpuidDirection
{
    /// <summary>The first offers more.</summary>
    OnlyA = 0,

    /// <summary>The second offers more.</summary>
    OnlyB = 1,

    /// <summary>Neither is more: they say different things.</summary>
    Differs = 2,
}
