// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid;

/// <summary>The vCPU state that CPUID's runtime-owned bits mirror.</summary>
/// <remarks>Source: Linux v6.19 arch/x86/kvm/cpuid.c:kvm_update_cpuid_runtime.</remarks>
public readonly record struct CpuidRuntime(ulong Cr4, ulong Xcr0, ulong Xss, ulong ApicBase, ulong MiscEnable);
