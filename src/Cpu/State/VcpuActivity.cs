// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.State;

/// <summary>Whether a vCPU executes. KVM's mp_state, for the states this engine has.</summary>
public enum VcpuActivity
{
    Running = 0,

    /// <summary>HLT was executed; an interrupt or NMI wakes it.</summary>
    Halted = 1,

    /// <summary>Triple fault. Only a reset leaves this state.</summary>
    Shutdown = 2,

    /// <summary>An application processor before its first SIPI.</summary>
    WaitForSipi = 3,
}
