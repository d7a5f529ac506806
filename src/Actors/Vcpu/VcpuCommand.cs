// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.KvmApi;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence;

namespace KvmActors.Actors.Vcpu;

/// <summary>What a vCPU can be told. A closed union.</summary>
public abstract record VcpuCommand
{
    private VcpuCommand()
    {
    }

    /// <summary>Move to another node, while the guest runs.</summary>
    /// <param name="VcpusOfVm">How many vCPUs its VM has: in this version they move together or not at all.</param>
    public sealed record Migrate(NodeId To, int VcpusOfVm) : VcpuCommand;

    /// <summary>The slice that is to be journaled left the vCPU's table so.</summary>
    public sealed record RecordCpuid(CpuidTable Table) : VcpuCommand;

    /// <summary>Take a CPUID table, as KVM_SET_CPUID2 gives one.</summary>
    /// <param name="Now">The table that the guest has, and whether the guest has executed an instruction.</param>
    /// <param name="Runtime">What the runtime-owned bits follow.</param>
    /// <param name="Observed">What the guest has read.</param>
    /// <param name="Node">Name of the node that runs the VM.</param>
    /// <param name="Offered">What that node offers its guests.</param>
    public sealed record SetCpuid(
        ImmutableArray<CpuidEntry> Entries,
        KvmVcpuCpuid Now,
        CpuidRuntime Runtime,
        ImmutableArray<CpuidObservation> Observed,
        string Node,
        CpuidTable Offered) : VcpuCommand;

    /// <summary>The slice that is to be journaled rewrote these sites, in this order.</summary>
    public sealed record RecordPatches(ImmutableArray<HypercallPatch> Patches) : VcpuCommand;
}
