// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;

namespace KvmActors.Cpu.Paravirtual;

/// <summary>What a CPUID table says of KVM's paravirtual features, and what ours can say.</summary>
/// <remarks>What a table does not offer is not there, for hypercalls and MSRs alike: KVM with
/// KVM_CAP_ENFORCE_PV_FEATURE_CPUID. Source: Linux v6.19 arch/x86/kvm/cpuid.c:kvm_get_hypervisor_cpuid,
/// arch/x86/kvm/cpuid.h:guest_pv_has.</remarks>
internal static class ParavirtualCpuid
{
    /// <summary>All that the hypervisor has.</summary>
    public const ParavirtualFeature Offered = ParavirtualFeature.ClockSource | ParavirtualFeature.NoIoDelay
        | ParavirtualFeature.ClockSource2 | ParavirtualFeature.Unhalt | ParavirtualFeature.SendIpi
        | ParavirtualFeature.SchedYield | ParavirtualFeature.ClockSourceStable;

    /// <summary>Where a hypervisor's leaves begin, if there is no other hypervisor in front.</summary>
    public const uint FirstBase = 0x4000_0000;

    private const uint LastBase = 0x4000_FF00;
    private const uint BaseStep = 0x100;

    /// <summary>"KVMKVMKVM", three zero bytes: EBX, ECX, EDX. EAX is the highest leaf.</summary>
    public static readonly CpuidRegisters Signature = new(FirstBase + 1, 0x4B4D_564B, 0x564B_4D56, 0x4D);

    /// <summary>The features of the leaf behind KVM's signature, wherever that is; none if it is nowhere.</summary>
    public static ParavirtualFeature Of(CpuidTable table)
    {
        for (uint first = FirstBase; first <= LastBase; first += BaseStep)
        {
            if (table.Find(first, 0) is { } entry
                && (entry.Registers with { Eax = Signature.Eax }) == Signature)
            {
                return table.Find(first + 1, 0) is { } features
                    ? (ParavirtualFeature)features.Eax & Offered
                    : ParavirtualFeature.None;
            }
        }

        return ParavirtualFeature.None;
    }
}
