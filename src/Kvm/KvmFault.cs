// SPDX-License-Identifier: Apache-2.0

using System.ComponentModel;

namespace KvmActors.Kvm;

/// <summary>/dev/kvm is absent, or it refused a call. The message says which call, the error's name and number, and
/// what to do.</summary>
public sealed class KvmFault : IOException
{
    public KvmFault()
    {
    }

    public KvmFault(string message)
        : base(message)
    {
    }

    public KvmFault(string message, Exception inner)
        : base(message, inner)
    {
    }

    /// <param name="call">What was asked, for instance <c>KVM_GET_SUPPORTED_CPUID</c>.</param>
    /// <param name="errno">As Linux numbers it.</param>
    public KvmFault(string call, int errno)
        : base($"Expected {call} to work, found {NameOf(errno)} ({errno}: {new Win32Exception(errno).Message}). "
            + Advice(errno)) => Errno = errno;

    /// <summary>As Linux numbers it; 0 where no call failed.</summary>
    public int Errno { get; }

    // Source: Linux v6.19 include/uapi/asm-generic/errno-base.h and errno.h.
    private static string NameOf(int errno) => errno switch
    {
        1 => "EPERM",
        2 => "ENOENT",
        4 => "EINTR",
        6 => "ENXIO",
        7 => "E2BIG",
        12 => "ENOMEM",
        13 => "EACCES",
        14 => "EFAULT",
        16 => "EBUSY",
        19 => "ENODEV",
        22 => "EINVAL",
        25 => "ENOTTY",
        _ => "an error",
    };

    private static string Advice(int errno) => errno switch
    {
        1 or 13 => "This process may not use the device: join the group kvm, or run where that is permitted.",
        2 => "This machine has no such device: load the module kvm_intel or kvm_amd, or, inside of a virtual machine, "
            + "ask its host for nested virtualization.",
        6 or 19 => "The device's node is there, but no driver answers it: load the module kvm_intel or kvm_amd, or, "
            + "inside of a virtual machine, ask its host for nested virtualization.",
        25 => "The file is not KVM's device.",
        _ => "Name another source of CPUID.",
    };
}
