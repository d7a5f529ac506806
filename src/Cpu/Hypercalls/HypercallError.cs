// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Hypercalls;

/// <summary>The error codes of KVM's hypercalls; RAX gets the negated value.</summary>
/// <remarks>Source: Linux v6.19 include/uapi/linux/kvm_para.h, KVM_E*.</remarks>
public enum HypercallError
{
    /// <summary>KVM_EPERM: the caller is not at CPL 0.</summary>
    NotPermitted = 1,

    /// <summary>KVM_E2BIG.</summary>
    TooBig = 7,

    /// <summary>KVM_EFAULT: an address given cannot be written.</summary>
    BadAddress = 14,

    /// <summary>KVM_EINVAL.</summary>
    Invalid = 22,

    /// <summary>KVM_EOPNOTSUPP: the number is known, what it needs is not there.</summary>
    NotSupported = 95,

    /// <summary>KVM_ENOSYS: no such hypercall.</summary>
    NoSuchCall = 1000,
}
