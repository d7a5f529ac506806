// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using KvmActors.Actors.Replay;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Host.Journal;
using KvmActors.Machine;

namespace KvmActors.Host.Debug;

/// <summary>What the journal and the hypervisor know of a guest.</summary>
internal sealed class MonitorJournal(GdbView view)
{
    private const int EventsMax = 1000;
    private const int EventsDefault = 5;

    /// <summary>The latest patch of each hypercall site, as it is now.</summary>
    public string Patches()
    {
        ImmutableArray<HypercallPatch> patches = view.Target.State.PatchSites;
        return patches.IsEmpty ? "No hypercall site was rewritten so far.\n" : string.Concat(patches.Select(patch =>
            string.Create(
                CultureInfo.InvariantCulture,
                $"{patch.Gva} ({patch.Gpa}): {Convert.ToHexStringLower(patch.Before.AsSpan())} -> "
                + $"{Convert.ToHexStringLower(patch.After.AsSpan())} for {patch.Vendor}, by vCPU {patch.VcpuIndex} at "
                + $"{patch.VmTime}\n")));
    }

    /// <summary>Events at or before now, a line that says now, events behind it.</summary>
    /// <exception cref="CliFault">The word is no number.</exception>
    public string Events(ImmutableArray<string> words)
    {
        int count = words.IsEmpty ? EventsDefault : MonitorNumber.Count(words[0], EventsMax);
        Moment now = view.Target.Now;
        StringBuilder text = new();
        bool isBehind = false;
        foreach (ReplayEvent next in view.Target.EventsAround(count, count))
        {
            if (!isBehind && next.VmTime > now.VmTime)
            {
                isBehind = true;
                AppendNow(text, now);
            }

            text.Append(
                CultureInfo.InvariantCulture,
                $"{next.VmTime,13}  {next.Stream} #{next.Seq}  {EventText.Describe(next.Event)}\n");
        }

        if (!isBehind)
        {
            AppendNow(text, now);
        }

        return text.ToString();
    }

    private static void AppendNow(StringBuilder text, Moment now) =>
        text.Append(CultureInfo.InvariantCulture, $"{now.ToString(),13}  <- now\n");
}
