// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid;

/// <summary>Whose rule finds the entry that answers a guest's CPUID instruction. Fixed when a VM is created.</summary>
public enum CpuidDialect
{
    /// <summary>Today's KVM: <see cref="CpuidTable.Query"/>.</summary>
    Kvm = 0,

    /// <summary>KVM's first, as it was meant: <see cref="CpuidKvm2007.Read"/>.</summary>
    Kvm2007 = 1,
}
