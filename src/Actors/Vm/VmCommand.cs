// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid;
using KvmActors.Persistence;

namespace KvmActors.Actors.Vm;

/// <summary>What a VM can be told. A closed union.</summary>
public abstract record VmCommand
{
    private VmCommand()
    {
    }

    /// <summary>From Created or Stopped to Running.</summary>
    public sealed record Start : VmCommand;

    /// <summary>From Running to Paused.</summary>
    public sealed record Pause : VmCommand;

    /// <summary>From Paused to Running.</summary>
    public sealed record Resume : VmCommand;

    /// <summary>From Running or Paused to Stopped, where it stood.</summary>
    public sealed record Stop : VmCommand;

    /// <summary>Take a snapshot where the VM stands now; a running VM goes on.</summary>
    public sealed record TakeSnapshot : VmCommand;

    /// <summary>Remove the VM from the store, with its journal and snapshots.</summary>
    /// <param name="Force">Also one that could go on from where it stands.</param>
    public sealed record Delete(bool Force) : VmCommand;

    /// <summary>Bytes for the console, at most <see cref="InputBytesMax"/>.</summary>
    public sealed record Input(ImmutableArray<byte> Bytes) : VmCommand;

    /// <summary>Give a vCPU a CPUID table, as KVM_SET_CPUID2 does. Decided by
    /// <see cref="Vcpu.VcpuDecider"/>.</summary>
    /// <param name="Entries">Any number: more than a table holds is refused as KVM refuses it.</param>
    public sealed record SetCpuid(int VcpuIndex, ImmutableArray<CpuidEntry> Entries) : VmCommand;

    /// <summary>Begin a planned move. The target has agreed to it.</summary>
    public sealed record BeginMove(MigrationId Migration, NodeId To) : VmCommand;

    /// <summary>Give a planned move up.</summary>
    public sealed record AbortMove(MigrationId Migration, string Reason) : VmCommand;

    /// <summary>Console bytes of one command. A sender with more sends several commands.</summary>
    public const int InputBytesMax = 4096;
}
