// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Apic;

/// <summary>How a local APIC is reached, as IA32_APIC_BASE[11:10] says it.</summary>
/// <remarks>Source: Intel SDM vol. 3A, table 12-5 "x2APIC Operating Mode Configurations".</remarks>
internal enum ApicMode
{
    /// <summary>Hardware-disabled: LINT0 and LINT1 are INTR and NMI.</summary>
    Disabled,

    /// <summary>By its page in memory.</summary>
    XApic,

    /// <summary>By MSRs 800H to 8FFH.</summary>
    X2Apic,
}
