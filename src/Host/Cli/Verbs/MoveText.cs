// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Host.Control.Reports;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Cli.Verbs;

/// <summary>Moves as people read them.</summary>
internal static class MoveText
{
    private const double BytesPerMiB = 1 << 20;

    /// <summary>On one line, while it is under way.</summary>
    public static string Of(MoveProgress move)
    {
        double seconds = move.TookMs / 1000;
        double rate = seconds > 0 ? move.BytesSent / BytesPerMiB / seconds : 0;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"to {move.To}: {Describe(move)}; {CountText.Of(move.PagesSent, "page")} sent, {move.PagesLeft} of the "
            + $"round left; {move.BytesSent / BytesPerMiB:f1} MiB at {rate:f1} MiB/s in {seconds:f1} s");
    }

    /// <summary>Its one line when it is done, and behind it the parts of the time the guest stood still.</summary>
    public static string Of(MoveReport move)
    {
        string downtime = move.DowntimeMs is { } ms
            ? string.Create(CultureInfo.InvariantCulture, $"the guest stood still for {ms:f1} ms")
            : "the guest was not running";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{move.Vm} moved with {CountText.Of(move.Vcpus, "vCPU")} from {move.From} to {move.To} at VM time "
            + $"{move.VmTime} (epoch {move.EpochFrom} -> {move.EpochTo}): {downtime}; "
            + $"{CountText.Of(move.PagesPreCopied, "page")} before in {CountText.Of(move.Rounds, "round")}, "
            + $"{move.PagesStopped} meanwhile; {move.BytesSent / BytesPerMiB:f1} MiB sent.")
            + (move.Downtime is { } parts ? $"\n  {Of(parts)}" : string.Empty);
    }

    private static string Describe(MoveProgress move) => move.Phase switch
    {
        "preCopy" => string.Create(CultureInfo.InvariantCulture, $"round {move.Round}"),
        "offer" or "begin" => "asked",
        _ => "the guest stands still",
    };

    private static string Of(MoveReport.Parts parts) => string.Create(
        CultureInfo.InvariantCulture,
        $"pause {parts.PauseMs:f1}, last pages {parts.PagesMs:f1}, state {parts.StateMs:f1}, check "
        + $"{parts.CheckMs:f1}, durable {parts.DurableMs:f1}, commit {parts.CommitMs:f1}, start {parts.StartMs:f1}, "
        + $"link {parts.LinkMs:f1} ms");
}
