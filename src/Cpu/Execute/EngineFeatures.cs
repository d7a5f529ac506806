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
    // One line a family.
    private static readonly FrozenSet<CpuidFeature> s_executed =
    [
        CpuidFeatures.De, CpuidFeatures.Pse, CpuidFeatures.Tsc, CpuidFeatures.Msr, CpuidFeatures.Pae,
        CpuidFeatures.Cx8, CpuidFeatures.Sep, CpuidFeatures.Pge, CpuidFeatures.Cmov, CpuidFeatures.Mce,
        CpuidFeatures.Mca, CpuidFeatures.Mtrr, CpuidFeatures.Pat, CpuidFeatures.Pse36,
        CpuidFeatures.Apic, CpuidFeatures.X2apic, CpuidFeatures.TscDeadline, CpuidFeatures.TscAdjust,
        CpuidFeatures.Hypervisor,
        CpuidFeatures.Cx16, CpuidFeatures.Movbe, CpuidFeatures.Popcnt, CpuidFeatures.Abm, CpuidFeatures.LahfLm,
        CpuidFeatures.Fpu, CpuidFeatures.Fxsr, CpuidFeatures.Xsave, CpuidFeatures.Xsaveopt, CpuidFeatures.Xsavec,
        CpuidFeatures.Xsaves, CpuidFeatures.Xgetbv1,
        CpuidFeatures.Mmx, CpuidFeatures.Sse, CpuidFeatures.Sse2, CpuidFeatures.Sse3, CpuidFeatures.Ssse3,
        CpuidFeatures.Sse4_1, CpuidFeatures.Sse4_2, CpuidFeatures.Clflush, CpuidFeatures.Clflushopt,
        CpuidFeatures.Clwb, CpuidFeatures.Wbnoinvd,
        CpuidFeatures.Bmi1, CpuidFeatures.Bmi2, CpuidFeatures.Adx, CpuidFeatures.Erms, CpuidFeatures.Fsgsbase,
        CpuidFeatures.Smep, CpuidFeatures.Smap, CpuidFeatures.Umip, CpuidFeatures.Rdpid,
        CpuidFeatures.Pcid, CpuidFeatures.Invpcid, CpuidFeatures.Rdrand, CpuidFeatures.Rdseed,
        CpuidFeatures.Syscall, CpuidFeatures.Nx, CpuidFeatures.Pdpe1gb, CpuidFeatures.Rdtscp, CpuidFeatures.Lm,
        CpuidFeatures.Topoext,
        CpuidFeatures.Invtsc,
    ];

    /// <summary>The engine of this assembly.</summary>
    public static EngineFeatures Current { get; } = new(
        s_executed,
        Xcr0: Fpu.XsaveComponents.X87 | Fpu.XsaveComponents.Sse,
        PhysicalAddressBits: 52,
        LinearAddressBits: 48);

    public bool Executes(CpuidFeature feature) => Executed.Contains(feature);
}
