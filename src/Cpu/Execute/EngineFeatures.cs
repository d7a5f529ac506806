// SPDX-License-Identifier: Apache-2.0

using System.Collections.Frozen;
using KvmActors.Cpu.Cpuid.Names;
using static KvmActors.Cpu.Cpuid.Names.CpuidFeatures;

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
    private static readonly FrozenSet<CpuidFeature> s_executed =
    [
        De, Pse, Tsc, Msr, Pae, Cx8, Sep, Pge, Cmov, Mce, Mca, Mtrr, Pat,
        CpuidFeatures.Apic, X2apic, TscDeadline, TscAdjust,
        Hypervisor,
        Cx16, Movbe, Popcnt, Abm, LahfLm,
        CpuidFeatures.Fpu, Fxsr, Xsave, Xsaveopt, Xsavec, Xsaves, Xgetbv1,
        Mmx, Sse, Sse2, Sse3, Ssse3, Sse4_1, Sse4_2, Clflush, Clflushopt, Clwb,
        Bmi1, Bmi2, Adx, Erms, Fsgsbase, Smep, Smap, Umip, Rdpid,
        Syscall, Nx, Pdpe1gb, Rdtscp, Lm, Topoext,
        Invtsc,
    ];

    /// <summary>The engine of this assembly.</summary>
    public static EngineFeatures Current { get; } = new(
        s_executed,
        Xcr0: Fpu.XsaveComponents.X87 | Fpu.XsaveComponents.Sse,
        PhysicalAddressBits: 52,
        LinearAddressBits: 48);

    public bool Executes(CpuidFeature feature) => Executed.Contains(feature);
}
