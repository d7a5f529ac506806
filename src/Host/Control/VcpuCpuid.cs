// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Control;

/// <summary>CPUID of a vCPU of a cluster, as its owner publishes it.</summary>
/// <param name="Name">"web/0".</param>
/// <param name="Table">As KVM_GET_CPUID2 gives it: with flags, padding, and the bits that follow the vCPU's state.
/// </param>
/// <param name="Observed">What its guest has read.</param>
internal sealed record VcpuCpuid(string Name, CpuidTable Table, ImmutableArray<CpuidObservation> Observed)
{
    public static VcpuCpuid Of(VcpuStatus status) => new(
        status.Name,
        CpuidTable.Of(status.Cpuid.Select(CpuidMessages.From)),
        [
            .. status.CpuidRead.Select(read =>
                new CpuidObservation(read.Leaf, read.Subleaf, read.FirstVmTime, read.Reads)),
        ]);
}
