// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.State;

/// <summary>How instructions are decoded and addresses are formed. Follows CR0.PE, RFLAGS.VM, EFER.LMA and
/// CS.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 3.1 and vol. 1, section 3.1.</remarks>
public enum CpuMode
{
    /// <summary>CR0.PE = 0. CS.D = 0.</summary>
    Real16 = 0,

    /// <summary>CR0.PE = 0 with a CS whose D bit survived the way back from protected mode.</summary>
    Real32 = 1,

    /// <summary>RFLAGS.VM = 1: 8086 code under a protected-mode system.</summary>
    Virtual8086 = 2,

    Protected16 = 3,
    Protected32 = 4,

    /// <summary>EFER.LMA = 1, CS.L = 0, CS.D = 0.</summary>
    Compatibility16 = 5,

    /// <summary>EFER.LMA = 1, CS.L = 0, CS.D = 1.</summary>
    Compatibility32 = 6,

    /// <summary>EFER.LMA = 1, CS.L = 1.</summary>
    Long64 = 7,
}
