// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.State;

/// <summary>Events that wait for a vCPU, besides what its local APIC holds. As KVM_GET_VCPU_EVENTS.</summary>
/// <param name="NmiPending">An NMI waits to be delivered.</param>
/// <param name="NmiBlocked">From the delivery of an NMI to the next IRET.</param>
/// <param name="InitPending">An INIT waits to be taken.</param>
/// <param name="SipiVector">Vector of a start-up IPI that waits to be taken, or null.</param>
/// <param name="IsKicked">A kick (hypercall KICK_CPU) has come that ends the HLT the vCPU is in, or else the next
/// one.</param>
/// <remarks>Source: Linux v6.19 arch/x86/include/uapi/asm/kvm.h:kvm_vcpu_events.</remarks>
public sealed record VcpuEvents(
    bool NmiPending, bool NmiBlocked, bool InitPending, byte? SipiVector, bool IsKicked)
{
    public static VcpuEvents None { get; } = new(false, false, false, null, false);
}
