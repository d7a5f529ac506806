// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid;
using KvmActors.Machine;
using KvmActors.Persistence;

namespace KvmActors.Actors.Cluster;

/// <summary>What a VM is to be made of.</summary>
/// <param name="ImageName">For people; the bytes are in <paramref name="Image"/>.</param>
/// <param name="Cpuid">One table for each vCPU. None: each gets what the creating node offers.</param>
/// <param name="OnNode">Name of the node to create it on; null for the node that was asked.</param>
public sealed record VmBlueprint(
    VmId Name,
    MachineSpec Spec,
    string ImageName,
    ReadOnlyMemory<byte> Image,
    string CommandLine,
    ImmutableArray<CpuidTable> Cpuid,
    string? OnNode)
{
    /// <summary>Most bytes of boot image and initial RAM disk together.</summary>
    public const int ImageBytesMax = 128 << 20;

    /// <summary>The initial RAM disk, or nothing.</summary>
    public ReadOnlyMemory<byte> Initrd { get; init; }
}
