// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State.KvmApi;

namespace KvmActors.Kvm;

/// <summary>Numbers of the ioctls that read and set a vCPU's state.</summary>
/// <remarks>Source: Linux v6.19 include/uapi/linux/kvm.h.</remarks>
internal static class KvmStateRequest
{
    public static uint Get(KvmStructure structure) => structure switch
    {
        KvmStructure.MpState => 0x8004_AE98,
        KvmStructure.Registers => 0x8090_AE81,
        KvmStructure.SystemRegisters => KvmRequest.GetSystemRegisters,
        KvmStructure.Xsave => 0x9000_AEA4,
        KvmStructure.ExtendedControl => 0x8188_AEA6,
        KvmStructure.DebugRegisters => 0x8080_AEA1,
        KvmStructure.LocalApic => 0x8400_AE8E,
        KvmStructure.Msrs => 0xC008_AE88,
        KvmStructure.Events => 0x8040_AE9F,
        _ => throw new ArgumentOutOfRangeException(nameof(structure), structure, "No such structure."),
    };

    public static uint Set(KvmStructure structure) => structure switch
    {
        KvmStructure.MpState => 0x4004_AE99,
        KvmStructure.Registers => KvmRequest.SetRegisters,
        KvmStructure.SystemRegisters => KvmRequest.SetSystemRegisters,
        KvmStructure.Xsave => 0x5000_AEA5,
        KvmStructure.ExtendedControl => 0x4188_AEA7,
        KvmStructure.DebugRegisters => 0x4080_AEA2,
        KvmStructure.LocalApic => 0x4400_AE8F,
        KvmStructure.Msrs => 0x4008_AE89,
        KvmStructure.Events => 0x4040_AEA0,
        _ => throw new ArgumentOutOfRangeException(nameof(structure), structure, "No such structure."),
    };
}
