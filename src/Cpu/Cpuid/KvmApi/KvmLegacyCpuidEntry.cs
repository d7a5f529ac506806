// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.KvmApi;

/// <summary>An entry of the oldest call: KVM's 24-byte <c>kvm_cpuid_entry</c>, which knows no subleaves.</summary>
/// <remarks>Source: Linux v6.19 arch/x86/include/uapi/asm/kvm.h.</remarks>
public readonly record struct KvmLegacyCpuidEntry(uint Leaf, uint Eax, uint Ebx, uint Ecx, uint Edx);
