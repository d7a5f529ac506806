// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Hypercalls;

/// <summary>What the hypervisor did about an exit that may be a hypercall.</summary>
public abstract record HypercallOutcome
{
    private HypercallOutcome()
    {
    }

    /// <summary>RAX holds the result, and the instruction is retired.</summary>
    public sealed record Answered : HypercallOutcome;

    /// <summary>The native instruction was written; the site is executed again and exits as a native hypercall.</summary>
    public sealed record Patched(HypercallPatch Patch) : HypercallOutcome;

    /// <summary>The guest gets an exception: #UD, or the fault its own write would have raised.</summary>
    public sealed record Injected : HypercallOutcome;
}
