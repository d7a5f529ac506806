// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Migration;

/// <summary>How long a guest stood still for its move, by parts that follow each other.</summary>
/// <remarks>All is measured on the source's clock, from behind the guest's last instruction there until it hears that
/// the guest runs on the target. What the target does in between it tells as durations, which need no common clock;
/// the rest of the source's waiting is the link's.</remarks>
/// <param name="Pause">The last slice ends and is captured.</param>
/// <param name="Pages">The last pages go over.</param>
/// <param name="Durable">What was left, behind the check, of making all that the guest did durable.</param>
/// <param name="State">CPU and devices go over.</param>
/// <param name="Check">The target hashes its copy.</param>
/// <param name="Commit">The target's transaction.</param>
/// <param name="Start">From there to the guest's next instruction.</param>
/// <param name="Link">The hand-over's way there and back.</param>
public sealed record DowntimeReport(
    TimeSpan Pause,
    TimeSpan Pages,
    TimeSpan Durable,
    TimeSpan State,
    TimeSpan Check,
    TimeSpan Commit,
    TimeSpan Start,
    TimeSpan Link)
{
    /// <summary>Where a node of an older version told the total alone.</summary>
    public static DowntimeReport OfTotal(TimeSpan total) => new(
        total,
        TimeSpan.Zero,
        TimeSpan.Zero,
        TimeSpan.Zero,
        TimeSpan.Zero,
        TimeSpan.Zero,
        TimeSpan.Zero,
        TimeSpan.Zero);

    public TimeSpan Total => Pause + Pages + Durable + State + Check + Commit + Start + Link;
}
