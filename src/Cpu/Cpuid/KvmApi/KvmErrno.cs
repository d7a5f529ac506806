// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.KvmApi;

/// <summary>The error numbers of KVM's CPUID calls, as Linux numbers them.</summary>
/// <remarks>EFAULT (a caller's pointer) and ENOMEM have no counterpart: there are no pointers here, and the runtime
/// throws where memory ends. Source: Linux v6.19 include/uapi/asm-generic/errno-base.h.</remarks>
public enum KvmErrno
{
    /// <summary>The table does not fit.</summary>
    E2Big = 7,

    /// <summary>Not permitted to this process.</summary>
    EPerm = 1,

    /// <summary>The table is one that KVM does not take, or not now.</summary>
    EInval = 22,
}
