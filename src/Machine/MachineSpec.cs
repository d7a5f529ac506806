// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;

namespace KvmActors.Machine;

/// <summary>What a VM is made of: fixed at its creation.</summary>
/// <param name="VcpuCount">vCPUs, 1 to <see cref="MachineSpecRules.VcpusMax"/>.</param>
/// <param name="MemoryBytes">Guest RAM, a multiple of 4096, from GPA 0; what is above 3 GiB lies from 4 GiB on.</param>
/// <param name="PatchPolicy">What happens to the other maker's hypercall instruction.</param>
/// <param name="TurnTicks">Ticks a vCPU runs before the next one gets its turn. Visible to the guest.</param>
public sealed record MachineSpec(
    int VcpuCount,
    ulong MemoryBytes,
    HypercallPatchPolicy PatchPolicy,
    ulong TurnTicks)
{
    public const ulong TurnTicksDefault = 20_000;

    /// <summary>2026-01-01T00:00:00Z: the same for every VM, so that a run can be repeated without a word about it.
    /// </summary>
    public const long RtcStartDefault = 1_767_225_600;

    /// <summary>What the real-time clock shows at VM time 0: seconds since 1970, UTC.</summary>
    public long RtcStartUnixSeconds { get; init; } = RtcStartDefault;

    /// <summary>What the numbers of RDRAND and RDSEED come from. Whoever knows it knows them.</summary>
    public ulong RandomSeed { get; init; }

    /// <summary>Whose rule answers a guest's CPUID instruction.</summary>
    public CpuidDialect CpuidDialect { get; init; }
}
