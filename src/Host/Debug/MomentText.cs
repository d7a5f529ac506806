// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Cli;
using KvmActors.Machine;

namespace KvmActors.Host.Debug;

/// <summary>Moments as people write them: <c>start</c>, <c>end</c>, a VM time (<c>123456</c>, <c>1.5M</c>), a VM time
/// and steps that cost no time (<c>123456+1</c>), or ticks from now (<c>+1000</c>, <c>-1000</c>).</summary>
internal static class MomentText
{
    public const string Forms = "start, end, a VM time (123456, 1.5M, 123456+1) or ticks from now (+1000, -1000)";

    /// <param name="now">Where <c>+1000</c> and <c>-1000</c> begin.</param>
    /// <exception cref="CliFault">It is none of them, or it lies outside of the recording.</exception>
    public static Moment Parse(string text, Moment start, Moment now, Moment end)
    {
        Moment moment = text switch
        {
            "start" => start,
            "end" => end,
            ['+', .. string ticks] when CountText.TryParse(ticks, out ulong count)
                && count <= ulong.MaxValue - now.VmTime => new Moment(now.VmTime + count),
            ['-', .. string ticks] when CountText.TryParse(ticks, out ulong count) =>
                new Moment(now.VmTime - Math.Min(count, now.VmTime)),
            _ => Absolute(text),
        };
        return moment.CompareTo(start) >= 0 && moment.CompareTo(end) <= 0
            ? moment
            : throw new CliFault($"Expected a moment from {start} to {end}, found {moment}.");
    }

    private static Moment Absolute(string text)
    {
        string[] parts = text.Split('+');
        ulong step = 0;
        return parts.Length <= 2
            && CountText.TryParse(parts[0], out ulong vmTime)
            && (parts.Length == 1 || (CountText.TryParse(parts[1], out step) && step <= int.MaxValue))
            ? new Moment(vmTime, (int)step)
            : throw new CliFault($"Expected {Forms}, found \"{text}\".");
    }
}
