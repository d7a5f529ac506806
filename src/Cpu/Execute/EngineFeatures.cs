// SPDX-License-Identifier: Apache-2.0

using System.Collections.Frozen;
using KvmActors.Cpu.Cpuid.Names;

namespace KvmActors.Cpu.Execute;

/// <summary>What an engine executes, as CPUID tells it. A feature we advertise is a feature we execute: no table
/// gives a guest more than this.</summary>
/// <param name="Executed">Every feature bit whose instructions, registers and faults are there.</param>
/// <param name="Xcr0">Components that XSETBV accepts; 0 if there is no XSAVE.</param>
/// <param name="PhysicalAddressBits">Widest physical address of the page walk.</param>
/// <param name="LinearAddressBits">48, or 57 with five-level paging.</param>
/// <remarks>Source: Intel SDM vol. 2A, "CPUID"; AMD APM vol. 3, appendix E.</remarks>
public sealed record EngineFeatures(
    FrozenSet<CpuidFeature> Executed, ulong Xcr0, int PhysicalAddressBits, int LinearAddressBits)
{
    // One line a family. Not here because their results would differ between runs: rdrand, rdseed.
    private const string Names = """
        de pse tsc msr pae cx8 sep pge cmov
        hypervisor
        cx16 movbe popcnt abm lahf_lm
        bmi1 bmi2 adx erms fsgsbase smep smap umip rdpid
        syscall nx pdpe1gb rdtscp lm topoext
        invtsc
        """;

    /// <summary>The engine of this assembly.</summary>
    public static EngineFeatures Current { get; } = new(
        Names.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries)
            .Select(CpuidFeatures.Named)
            .ToFrozenSet(),
        Xcr0: 0,
        PhysicalAddressBits: 52,
        LinearAddressBits: 48);

    public bool Executes(CpuidFeature feature) => Executed.Contains(feature);
}
