// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Hypercalls;

namespace KvmActors.Host.Configuration;

/// <summary>Keys below <c>kvmactors.vm</c>; <c>hocon/reference.conf</c> tells what each means.</summary>
/// <param name="Cpu">CPUID of a VM that does not say.</param>
/// <param name="MemoryBytes">Of a VM that does not say.</param>
/// <param name="MemoryBytesAllMax">Of all VMs of the node together.</param>
internal sealed record VmOptions(
    TimeSpan Slice,
    IdleTime IdleTime,
    ulong TurnTicks,
    HypercallPatchPolicy PatchPolicy,
    CpuidDefault Cpu,
    ulong MemoryBytes,
    ulong MemoryBytesAllMax,
    int ActivationFailuresMax);
