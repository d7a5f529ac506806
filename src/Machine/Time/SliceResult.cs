// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Debugging;
using KvmActors.Cpu.Hypercalls;

namespace KvmActors.Machine.Time;

/// <summary>What one slice did, to be journaled and then released.</summary>
/// <param name="VmTime">VM time at its end.</param>
/// <param name="InstructionsRetired">By all vCPUs since creation.</param>
/// <param name="ConsoleOffset">Number of the first byte in <paramref name="Console"/>, counted from the VM's
/// creation.</param>
/// <param name="Console">What the console put out in this slice.</param>
/// <param name="Patches">Hypercall sites rewritten in this slice, in order.</param>
public sealed record SliceResult(
    SliceStop Stop,
    ulong VmTime,
    ulong InstructionsRetired,
    ulong ConsoleOffset,
    ReadOnlyMemory<byte> Console,
    ImmutableArray<HypercallPatch> Patches)
{
    /// <summary>VM time at which the next timer fires that a vCPU hears of, or <see cref="ulong.MaxValue"/>; where
    /// <see cref="Stop"/> is <see cref="SliceStop.Resting"/>.</summary>
    public ulong WakesAt { get; init; }

    /// <summary>What of a debugger's wishes was met, where <see cref="Stop"/> is <see cref="SliceStop.Debug"/>.
    /// </summary>
    public DebugHit? Hit { get; init; }
}
