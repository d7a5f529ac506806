// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.State.KvmApi;

/// <summary>In which order KVM's structures are set and read, and why.</summary>
/// <remarks>As Firecracker restores; checked against Linux v6.19 arch/x86/kvm/x86.c.</remarks>
public static class KvmStateOrder
{
    /// <summary>The order of KVM_SET_*. KVM_SET_CPUID2 comes before all of it: which control bits and MSRs are legal
    /// follows from it.</summary>
    public static ImmutableArray<(KvmStructure Structure, string Reason)> Set { get; } =
    [
        (KvmStructure.MpState, "first: it resets what an INIT resets"),
        (KvmStructure.Registers, "before the events: it clears a pending exception"),
        (KvmStructure.SystemRegisters, "before the local APIC: it has APIC_BASE, and so the APIC's mode"),
        (KvmStructure.Xsave, "behind CPUID: the components have to exist"),
        (KvmStructure.ExtendedControl, "behind CPUID, which says which bits of XCR0 exist"),
        (KvmStructure.DebugRegisters, "anywhere"),
        (KvmStructure.LocalApic, "before the MSRs: TSC_DEADLINE arms the timer that it configures"),
        (KvmStructure.Msrs, "with the TSC before TSC_DEADLINE, which is the last of them"),
        (KvmStructure.Events, "last: everything before may change what is pending"),
    ];

    /// <summary>The order of KVM_GET_*: MP_STATE first, since it takes pending INITs; the events last, since other
    /// reads have effects on them.</summary>
    public static ImmutableArray<KvmStructure> Get { get; } =
    [
        KvmStructure.MpState,
        KvmStructure.Registers,
        KvmStructure.SystemRegisters,
        KvmStructure.Xsave,
        KvmStructure.ExtendedControl,
        KvmStructure.DebugRegisters,
        KvmStructure.LocalApic,
        KvmStructure.Msrs,
        KvmStructure.Events,
    ];
}
