// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine.Hashing;

namespace KvmActors.Machine;

/// <summary>What came of a <see cref="SoloRun"/>.</summary>
/// <param name="End">How the guest ended, or null if it did not.</param>
/// <param name="ConsoleBytes">How many bytes went to the console sink.</param>
/// <param name="Patches">Every patch, in order, up to <see cref="SoloRun.PatchesKeptMax"/>.</param>
public sealed record SoloRunResult(
    SoloRunStop Stop,
    MachineEnd? End,
    ulong VmTime,
    ulong InstructionsRetired,
    ulong ConsoleBytes,
    ImmutableArray<HypercallPatch> Patches,
    StateHash StateHash,
    MemorySum MemorySum)
{
    /// <summary>What the engine has done, of all vCPUs together.</summary>
    public EngineStatistics Statistics { get; init; } = EngineStatistics.None;

    /// <summary>The exit code of <c>run</c> where the instruction limit or the caller ended the guest's run.</summary>
    public const int LimitExitCode = 8;

    /// <summary>The exit code of <c>run</c>: that of the guest's end, or 8 for a limit.</summary>
    public int ExitCode => End?.ExitCode ?? LimitExitCode;
}
