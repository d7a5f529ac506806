// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine.Loaders;

namespace KvmActors.Machine;

/// <summary>One VM for a <see cref="SoloRun"/>.</summary>
/// <param name="Spec">What the VM is made of.</param>
/// <param name="Image">The guest.</param>
/// <param name="Cpuid">The table of its vCPUs, each of which gets its own APIC id.</param>
/// <param name="HostVendor">The vendor at VM time 0.</param>
/// <param name="InstructionsMax">Where the run stops at the latest: exactly there.</param>
/// <param name="VendorChanges">By ascending VM time; a change beyond the guest's end does not happen.</param>
public sealed record SoloRunOptions(
    MachineSpec Spec,
    BootImage Image,
    CpuidTable Cpuid,
    HostVendor HostVendor,
    ulong InstructionsMax,
    ImmutableArray<SoloVendorChange> VendorChanges)
{
    /// <summary>A run without changes and without a limit.</summary>
    public SoloRunOptions(MachineSpec spec, BootImage image, CpuidTable cpuid, HostVendor hostVendor)
        : this(spec, image, cpuid, hostVendor, ulong.MaxValue, [])
    {
    }

    /// <summary>Console input; bytes of one VM time in this order. What lies beyond the guest's end does not come.
    /// </summary>
    public ImmutableArray<SoloInput> Inputs { get; init; } = [];

    /// <summary>What executes the instructions; null: what fits the host. The result does not depend on it.</summary>
    public EngineOptions? Engine { get; init; }
}
