// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid;
using KvmActors.Machine;

namespace KvmActors.Actors.Migration;

/// <summary>A vCPU's CPUID table, and what the guest has read of it.</summary>
public sealed record GuestCpuid(CpuidTable Table, ImmutableArray<CpuidObservation> Observed)
{
    /// <summary>A table nobody has read yet.</summary>
    public static GuestCpuid Unread(CpuidTable table) => new(table, []);

    /// <summary>Those of all vCPUs.</summary>
    public static ImmutableArray<GuestCpuid> Of(MachineState machine) =>
        [.. machine.Vcpus.Select(vcpu => new GuestCpuid(vcpu.Cpuid, vcpu.Observed))];
}
