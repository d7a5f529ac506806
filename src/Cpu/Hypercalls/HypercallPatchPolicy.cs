// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Hypercalls;

/// <summary>What the hypervisor does when a guest executes the other maker's hypercall instruction. Chosen per
/// VM.</summary>
public enum HypercallPatchPolicy
{
    /// <summary>Patch if the guest's own write to those bytes would succeed, else answer in place.</summary>
    Auto = 0,

    /// <summary>Write the native instruction as the guest's own write, as KVM does; a read-only page gives the guest
    /// #PF.</summary>
    Patch = 1,

    /// <summary>Answer in place and write no byte.</summary>
    Emulate = 2,

    /// <summary>Inject #UD: KVM with KVM_X86_QUIRK_FIX_HYPERCALL_INSN disabled.</summary>
    Inject = 3,
}
