// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Actors.Replay;
using KvmActors.Host.Cli;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Host.Journal;

/// <summary>Ways through a recorded guest, with a word on how far they are.</summary>
internal static class TimelineWalk
{
    private static readonly TimeSpan s_reportEvery = TimeSpan.FromMilliseconds(500);

    /// <summary>Opens a VM's past.</summary>
    /// <exception cref="CliFault">There is no such VM.</exception>
    public static async Task<Timeline> OpenAsync(IStore store, string name, CancellationToken stop)
    {
        try
        {
            return await Timeline.OpenAsync(store, VmId.Parse(name), TimeProvider.System, stop).ConfigureAwait(false);
        }
        catch (Exception unknown) when (unknown is KeyNotFoundException or FormatException)
        {
            IReadOnlyList<StreamRow> rows = await store.ListAsync(stop).ConfigureAwait(false);
            string known = string.Join(", ", rows.Select(row => row.Stream.Vm).Distinct());
            throw new CliFault(
                $"Expected a VM of this store, found \"{name}\". Choose one of: "
                + $"{(known.Length == 0 ? "none: the store is empty" : known)}.",
                unknown);
        }
    }

    /// <summary>Goes to a moment, wherever it is.</summary>
    /// <exception cref="CliFault">It does not exist.</exception>
    public static async Task GoToAsync(
        Timeline timeline, Moment moment, VerbProgress progress, CancellationToken stop)
    {
        TimelineStop? reached = null;
        while (reached is null or TimelineStop.Interrupted)
        {
            stop.ThrowIfCancellationRequested();
            using CancellationTokenSource pause = new(s_reportEvery);
            try
            {
                reached = await timeline.GoToAsync(moment, pause.Token).ConfigureAwait(false);
            }
            catch (ArgumentOutOfRangeException outside)
            {
                throw new CliFault(
                    $"Expected a moment of the recording, from {timeline.Start} to {timeline.End}, found {moment}.",
                    outside);
            }

            progress.Show(string.Create(
                CultureInfo.InvariantCulture,
                $"replaying: VM time {timeline.Now.VmTime:N0} on the way to {moment.VmTime:N0} "));
        }

        progress.Clear();
    }
}
