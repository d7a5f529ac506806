// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Hypercalls;

/// <summary>What the hypervisor did about a hypercall or an invalid opcode. The vCPU can run on after each.</summary>
public abstract record HypercallOutcome
{
    private HypercallOutcome()
    {
    }

    /// <summary>RAX is written, RIP is behind the instruction, and it counts one.</summary>
    /// <param name="Number">As dispatched: cut to 32 bits outside 64-bit mode.</param>
    /// <param name="Result">What RAX became.</param>
    /// <param name="InPlace">True if it was the other maker's instruction and no byte was written.</param>
    public sealed record Answered(HypercallNumber Number, ulong Result, bool InPlace) : HypercallOutcome;

    /// <summary>The site now holds the native instruction. RIP is still at it, no register changed, and nothing counts:
    /// executed again, it exits as <see cref="VmExit.Hypercall"/>.</summary>
    public sealed record Patched(HypercallPatch Patch) : HypercallOutcome;

    /// <summary>An exception was delivered to the guest: #UD, or the fault that its own access would have
    /// raised.</summary>
    public sealed record Injected(GuestFault Fault) : HypercallOutcome;

    /// <summary>Nothing was done, because the bytes at RIP are no longer those that exited. Execute again.</summary>
    public sealed record Reexecuted : HypercallOutcome;
}
