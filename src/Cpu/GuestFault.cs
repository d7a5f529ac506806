// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu;

/// <summary>An exception as the guest would see it, for the hypervisor to inject or to avoid.</summary>
/// <param name="ErrorCode">None for vectors that push none.</param>
/// <param name="Cr2">The faulting linear address, for #PF.</param>
public readonly record struct GuestFault(byte Vector, uint? ErrorCode, ulong? Cr2);
