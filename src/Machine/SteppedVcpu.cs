// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Debugging;
using KvmActors.Cpu.Hypercalls;

namespace KvmActors.Machine;

/// <summary>One step of a VM under a debugger.</summary>
/// <param name="Index">The vCPU that took it.</param>
/// <param name="HasRetired">True for an instruction, false for a step that costs no VM time, or none at all where a
/// breakpoint was met.</param>
/// <param name="Hit">What it met of the debugger's wishes.</param>
public sealed record SteppedVcpu(int Index, bool HasRetired, DebugHit? Hit)
{
    /// <summary>What was delivered; null for an instruction, and for steps of another kind.</summary>
    public GuestDelivery? Delivery { get; init; }

    /// <summary>What the console put out.</summary>
    public ReadOnlyMemory<byte> Console { get; init; }

    /// <summary>The hypercall sites that were rewritten: one, or none.</summary>
    public ImmutableArray<HypercallPatch> Patches { get; init; } = [];
}
