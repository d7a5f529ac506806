// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid;

/// <summary>One entry of a CPUID table: KVM's 40-byte <c>kvm_cpuid_entry2</c>, padding kept.</summary>
/// <remarks>Source: Linux v6.19 arch/x86/include/uapi/asm/kvm.h, struct kvm_cpuid_entry2. KVM's <c>function</c> and
/// <c>index</c> are called leaf and subleaf here.</remarks>
public readonly record struct CpuidEntry(
    uint Leaf,
    uint Subleaf,
    CpuidEntryFlags Flags,
    uint Eax,
    uint Ebx,
    uint Ecx,
    uint Edx,
    uint Padding0 = 0,
    uint Padding1 = 0,
    uint Padding2 = 0)
{
    public CpuidRegisters Registers => new(Eax, Ebx, Ecx, Edx);
}
