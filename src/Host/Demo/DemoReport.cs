// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Host.Demo;

/// <summary>What <c>demo --json</c> prints at its end. Every figure was measured in this run.</summary>
/// <param name="Store">The store's address, or its file where that was kept; null where it was removed.</param>
internal sealed record DemoReport(
    ImmutableArray<DemoReport.Node> Nodes,
    DemoReport.GuestRun Guest,
    ImmutableArray<DemoReport.Migration> Migrations,
    ImmutableArray<DemoReport.Patch> Patches,
    DemoReport.Takeover Failover,
    DemoReport.Replay Replayed,
    DemoReport.Comparison Verification,
    string? Store,
    double ElapsedMs)
{
    internal sealed record Node(string Name, string Vendor, int Pid, string Endpoint, string CpuidSource);

    /// <param name="Image">File name, or "story guest of N rounds".</param>
    /// <param name="ConsoleSha256">Over the bytes that the console client received, across the move and the
    /// kill.</param>
    /// <param name="KeyAtInstruction">Retired instructions when the key came that let it end; null: a guest without a
    /// gate.</param>
    internal sealed record GuestRun(
        string Image,
        string ImageSha256,
        string ConsoleSha256,
        ulong ConsoleBytes,
        int ExitCode,
        ulong Instructions,
        ulong? KeyAtInstruction);

    /// <param name="AtInstruction">Retired instructions when the guest changed its node.</param>
    /// <param name="DowntimeMs">Last instruction on the source to first on the target, as the source sees it.</param>
    internal sealed record Migration(
        string Vcpu, string From, string To, ulong EpochFrom, ulong EpochTo, ulong AtInstruction, double? DowntimeMs);

    /// <param name="Before">The three opcode bytes, as hexadecimal digits.</param>
    /// <param name="Instruction">Retired instructions when the site was rewritten.</param>
    /// <param name="Native">What the site is now: VMCALL or VMMCALL.</param>
    internal sealed record Patch(
        string Gva, string Gpa, string Before, string After, string Node, ulong Instruction, string Native);

    /// <param name="RecoveredMs">From the SIGKILL to a guest that runs on another node, as the demo sees it.</param>
    /// <param name="EventsReplayed">Journaled events behind the snapshot that the new owner started from.</param>
    internal sealed record Takeover(
        string Killed, ulong AtInstruction, string NewOwner, ulong Epoch, double RecoveredMs, int EventsReplayed);

    internal sealed record Replay(int Events, int StatesCompared, double EventsPerSecond, double ElapsedMs);

    internal sealed record Comparison(bool StateEqual, bool ConsoleEqual, bool ReplayEqual)
    {
        public bool AllHold => StateEqual && ConsoleEqual && ReplayEqual;
    }
}
