// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid;

/// <summary>The vCPU state that CPUID's runtime-owned bits mirror.</summary>
/// <remarks>Source: Linux v6.19 arch/x86/kvm/cpuid.c:kvm_update_cpuid_runtime.</remarks>
public readonly record struct CpuidRuntime(ulong Cr4, ulong Xcr0, ulong Xss, ulong ApicBase, ulong MiscEnable)
{
    /// <summary>A vCPU of KVM that nothing has touched since its reset: no CR4 bit, x87 alone in XCR0, no supervisor
    /// state, the local APIC enabled at its usual place on the bootstrap processor, and MISC_ENABLE as KVM begins, with
    /// branch trace storage and PEBS unavailable (bits 11 and 12).</summary>
    /// <remarks>Source: Intel SDM vol. 3A, table 10-1 and section 13.6 for XCR0; Linux v6.19 arch/x86/kvm/x86.c,
    /// kvm_vcpu_reset; lapic.c, kvm_lapic_reset.</remarks>
    public static CpuidRuntime Reset { get; } =
        new(Cr4: 0, Xcr0: 1, Xss: 0, ApicBase: 0xFEE0_0900, MiscEnable: (1 << 11) | (1 << 12));

    /// <summary>CPUID.01H:ECX[3] MONITOR follows IA32_MISC_ENABLE[18]. KVM does so only where a VM has switched off its
    /// quirk KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT; otherwise the bit is as in the table.</summary>
    public bool MwaitFollowsMiscEnable { get; init; }
}
