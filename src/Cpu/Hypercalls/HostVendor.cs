// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Hypercalls;

/// <summary>Which maker's virtualization a host has, so which hypercall instruction is native there.</summary>
/// <remarks>State of the VM, set at a VM time by the journal. Nothing else may depend on it: every other difference
/// between makers follows the vendor in the vCPU's CPUID table.</remarks>
public enum HostVendor
{
    /// <summary>VMX: VMCALL (0F 01 C1) exits, VMMCALL raises #UD.</summary>
    Intel = 1,

    /// <summary>SVM: VMMCALL (0F 01 D9) exits, VMCALL raises #UD.</summary>
    Amd = 2,
}
