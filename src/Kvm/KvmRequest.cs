// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Kvm;

/// <summary>Numbers of KVM's ioctls: direction, size of the argument, 0xAE, and the call.</summary>
/// <remarks>Source: Linux v6.19 include/uapi/linux/kvm.h.</remarks>
internal static class KvmRequest
{
    // On /dev/kvm.
    public const uint GetApiVersion = 0xAE00;
    public const uint CreateVm = 0xAE01;
    public const uint CheckExtension = 0xAE03;
    public const uint GetVcpuMapSize = 0xAE04;
    public const uint GetSupportedCpuid = 0xC008_AE05;
    public const uint GetEmulatedCpuid = 0xC008_AE09;

    // On a VM.
    public const uint CreateVcpu = 0xAE41;
    public const uint CreateInterruptChips = 0xAE60;
    public const uint SetUserMemoryRegion = 0x4020_AE46;
    public const uint SetTssAddress = 0xAE47;

    // On a vCPU.
    public const uint Run = 0xAE80;
    public const uint SetRegisters = 0x4090_AE82;
    public const uint GetSystemRegisters = 0x8138_AE83;
    public const uint SetSystemRegisters = 0x4138_AE84;
    public const uint SetCpuid2 = 0x4008_AE90;
    public const uint GetCpuid2 = 0xC008_AE91;
}
