// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Text.Json.Serialization;
using KvmActors.Host.Solo.Lockstep;

namespace KvmActors.Host.Solo;

/// <summary>What <c>run --json</c> prints.</summary>
/// <param name="Stop">ended, limitReached, timedOut, interrupted, or different: engines in lockstep.</param>
/// <param name="End">How the guest ended, in a sentence; null if it did not.</param>
/// <param name="Console">As UTF-8 with U+FFFD for what is none; at most the last
/// <see cref="SoloConsole.KeptBytesMax"/> bytes.</param>
internal sealed record SoloReport(
    string Image,
    string ImageSha256,
    string HostVendor,
    ulong MemoryBytes,
    string Stop,
    string? End,
    int ExitCode,
    ulong Instructions,
    ulong VmTime,
    ulong ConsoleBytes,
    string ConsoleSha256,
    string Console,
    ImmutableArray<PatchReport> Patches,
    string StateHash,
    string MemorySum,
    double ElapsedMs)
{
    /// <summary>Where two engines in lockstep differ.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public LockstepDifference? Difference { get; init; }

    /// <summary>With <c>--stats</c>; of engines in lockstep, the translator's.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SoloStatistics? Stats { get; init; }

    /// <summary>With <c>--stats</c>, of engines in lockstep, the interpreter's. Times are of both together.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SoloStatistics? InterpreterStats { get; init; }
}
