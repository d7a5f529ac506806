// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Hypercalls;

/// <summary>KVM's hypercall numbers: what a guest puts in RAX.</summary>
/// <remarks>Source: Linux v6.19 include/uapi/linux/kvm_para.h, Documentation/virt/kvm/x86/hypercalls.rst. A number that
/// is not listed is answered with <see cref="HypercallError.NoSuchCall"/>, as are those of other
/// architectures.</remarks>
public enum HypercallNumber : ulong
{
    /// <summary>Makes pending interrupts be looked at. The exit itself does that, so the answer is 0.</summary>
    VapicPollIrq = 1,

    /// <summary>Paravirtual page tables; gone from KVM.</summary>
    MmuOp = 2,

    /// <summary>PowerPC only.</summary>
    Features = 3,

    /// <summary>PowerPC only.</summary>
    PpcMapMagicPage = 4,

    /// <summary>Wakes the vCPU with an APIC id out of HLT.</summary>
    KickCpu = 5,

    /// <summary>MIPS only.</summary>
    MipsGetClockFreq = 6,

    /// <summary>MIPS only.</summary>
    MipsExitVm = 7,

    /// <summary>MIPS only.</summary>
    MipsConsoleOutput = 8,

    /// <summary>Reads the host's clock and the TSC at one moment.</summary>
    ClockPairing = 9,

    /// <summary>Sends an interrupt to a set of vCPUs.</summary>
    SendIpi = 10,

    /// <summary>Gives the rest of the turn to the vCPU with an APIC id.</summary>
    SchedYield = 11,

    /// <summary>Tells userspace whether pages are encrypted; only where userspace asked for it.</summary>
    MapGpaRange = 12,
}
