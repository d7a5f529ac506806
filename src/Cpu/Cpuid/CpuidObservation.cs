// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid;

/// <summary>That a guest has read a leaf and subleaf, when first (VM time, ticks) and how often.</summary>
public readonly record struct CpuidObservation(uint Leaf, uint Subleaf, ulong FirstVmTime, ulong Reads)
{
    /// <summary>Stands for every place that a full <see cref="CpuidRecord"/> could not hold. No processor has this
    /// leaf.</summary>
    public static (uint Leaf, uint Subleaf) Others => (uint.MaxValue, uint.MaxValue);

    /// <summary>True if it tells of places without a row of their own: any may have been read.</summary>
    public bool IsOfOthers => (Leaf, Subleaf) == Others;
}
