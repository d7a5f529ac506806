// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.KvmApi;

/// <summary>The capabilities that concern CPUID, as KVM_CHECK_EXTENSION numbers them.</summary>
/// <remarks>Source: Linux v6.19 include/uapi/linux/kvm.h. EXT_CPUID was 5 for some weeks of 2007 (before Linux
/// commit 674eea0fc4d).</remarks>
public enum KvmCapability
{
    /// <summary>KVM_CAP_EXT_CPUID: the calls of this folder.</summary>
    ExtCpuid = 7,

    /// <summary>KVM_CAP_EXT_EMUL_CPUID: <see cref="KvmSystemCpuid.GetEmulatedCpuid"/>.</summary>
    ExtEmulCpuid = 95,
}
