// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine.Hashing;
using KvmActors.Machine.Time;
using KvmActors.Persistence.Events;

namespace KvmActors.Actors.Replay;

/// <summary>Runs a guest along its journal, in steps of at most one slice.</summary>
/// <remarks>
/// Events that entered from outside (placements, inputs, CPUID) are applied at their VM time. What the guest itself did
/// (patches, progress, snapshots, hand-over hashes, its end) is recomputed and compared, and the first difference ends
/// the replay as a <see cref="Divergence"/>. The end of a guest is journaled before the Progress that describes it,
/// because some ends (a triple fault) retire nothing: at the same VM time there is a state before the end and one
/// behind it.
/// </remarks>
public sealed class GuestReplay
{
    private readonly IGuest _guest;
    private readonly ImmutableArray<ReplayEvent> _events;
    private readonly Action<ulong, ReadOnlyMemory<byte>> _console;
    private readonly Queue<ReplayEvent> _patches = [];

    // A Progress or a snapshot at VM time 0 may stand before or behind a set at VM time 0 in another stream: it tells
    // of no instruction, and the next state that is compared has the table that the guest runs with.
    private readonly bool _setsCpuidFirst;
    private int _next;
    private ulong _consoleBytes;

    /// <param name="guest">Stands where <paramref name="events"/> begin.</param>
    /// <param name="consoleBytes">Console bytes the guest has put out before.</param>
    /// <param name="events">Ordered by <see cref="ReplayOrder"/>.</param>
    /// <param name="console">Is given the console's bytes with the number of the first.</param>
    public GuestReplay(
        IGuest guest,
        ulong consoleBytes,
        ImmutableArray<ReplayEvent> events,
        Action<ulong, ReadOnlyMemory<byte>> console)
    {
        _guest = guest;
        _consoleBytes = consoleBytes;
        _events = events;
        _console = console;
        _setsCpuidFirst = events.Any(next => next is { VmTime: 0, Event: JournalEvent.CpuidSet });
    }

    public Divergence? Divergence { get; private set; }

    /// <summary>VM time of the last state that was what the journal says; null where none was compared.</summary>
    public ulong? EqualUntil { get; private set; }

    /// <summary>Events behind the guest.</summary>
    public int EventsReplayed => _next;

    /// <summary>Hypercall sites that the guest rewrote on the way.</summary>
    public int PatchesSeen { get; private set; }

    /// <summary>Hashes of CPU and devices that were compared.</summary>
    public int StatesCompared { get; private set; }

    /// <summary>Sums of memory that were compared.</summary>
    public int SumsCompared { get; private set; }

    /// <summary>Does a bounded piece of work: at most one slice and the events at its end.</summary>
    /// <returns>False where nothing is left to do, or the replay has diverged.</returns>
    public bool Step(Func<bool> shouldYield)
    {
        bool ran = false;
        while (Divergence is null && _next < _events.Length)
        {
            ReplayEvent next = _events[_next];
            if (next.Event is JournalEvent.PatchApplied)
            {
                _patches.Enqueue(next);
                _next++;
                continue;
            }

            if (!HasReached(next))
            {
                if (ran)
                {
                    return true;
                }

                RunTowards(next, shouldYield);
                ran = true;
                continue;
            }

            Meet(next);
            _next++;
        }

        return false;
    }

    private static bool EndsGuest(ReplayEvent next) =>
        next.Event is JournalEvent.LifecycleChanged { To: VmLifecycle.Ended };

    private bool HasReached(ReplayEvent next) => EndsGuest(next)
        ? _guest.End is not null || _guest.VmTime > next.VmTime
        : _guest.VmTime >= next.VmTime;

    private void RunTowards(ReplayEvent next, Func<bool> shouldYield)
    {
        ulong until = EndsGuest(next) ? next.VmTime + 1 : next.VmTime;
        SliceResult slice = _guest.RunSlice(new SliceLimits(until, shouldYield));
        _console(slice.ConsoleOffset, slice.Console);
        _consoleBytes = slice.ConsoleOffset + (ulong)slice.Console.Length;
        foreach (HypercallPatch patch in slice.Patches)
        {
            ComparePatch(patch);
        }

        bool stuck = slice.Stop is SliceStop.Ended or SliceStop.Idle && !HasReached(next);
        if (stuck && Divergence is null)
        {
            Diverge(next, $"the guest to run to VM time {next.VmTime}", DescribeStop(slice));
        }
    }

    private static string Describe(ImmutableArray<int> readNext) =>
        $"CPUID entries {string.Join(", ", readNext)} to be read next";

    private string DescribeStop(SliceResult slice) => _guest.End is { } end
        ? $"its end at {slice.VmTime} ({end.Describe()})"
        : $"it waiting for an input at {slice.VmTime}";

    private void Meet(ReplayEvent next)
    {
        if (OutsideEvents.Contains(next))
        {
            OutsideEvents.Apply(_guest, next);
            return;
        }

        switch (next.Event)
        {
            case JournalEvent.CpuidStepped stepped:
                CompareText(
                    next,
                    Describe(stepped.ReadNext),
                    Describe(CpuidKvm2007.Cursors(_guest.Save().Vcpus[next.Stream.VcpuIndex].Cpuid)));
                break;
            case JournalEvent.LifecycleChanged { To: VmLifecycle.Ended } ended:
                CompareText(next, ended.End?.Describe() ?? "no end", _guest.End?.Describe() ?? "no end");
                CompareText(next, Text(next.VmTime), Text(_guest.VmTime));
                break;
            case JournalEvent.Progress progress:
                CompareProgress(next, progress);
                break;
            case JournalEvent.SnapshotTaken taken when next.VmTime > 0 || !_setsCpuidFirst:
                CompareState(next, taken.State, taken.Memory);
                break;
            case JournalEvent.HandedOff handed when next.Stream.VcpuIndex < 0:
                CompareState(next, handed.State, handed.Memory);
                break;
            case JournalEvent.SnapshotTaken or JournalEvent.Placed or JournalEvent.HandedOff
                or JournalEvent.LifecycleChanged or JournalEvent.VmCreated or JournalEvent.VcpuCreated
                or JournalEvent.MigrationStarted or JournalEvent.MigrationAborted or JournalEvent.Quarantined:
                break;
            default:
                throw new UnreachableException(next.Event.GetType().Name);
        }
    }

    private void CompareProgress(ReplayEvent next, JournalEvent.Progress progress)
    {
        if (_patches.TryPeek(out ReplayEvent? missing) && missing.VmTime < next.VmTime)
        {
            Diverge(missing, Describe(((JournalEvent.PatchApplied)missing.Event).Patch), "no patch there");
            return;
        }

        CompareText(
            next,
            $"{progress.InstructionsRetired} instructions and {progress.ConsoleBytes} console bytes",
            $"{_guest.InstructionsRetired} instructions and {_consoleBytes} console bytes");
        if (next.VmTime > 0 || !_setsCpuidFirst)
        {
            CompareState(next, progress.State, progress.Memory);
        }
    }

    private void CompareState(ReplayEvent next, StateHash state, MemorySum? memory)
    {
        CompareText(next, $"state {state}", $"state {_guest.HashState()}");
        StatesCompared++;
        if (memory is { } sum)
        {
            CompareText(next, $"memory sum {sum}", $"memory sum {_guest.SumMemory()}");
            SumsCompared++;
        }

        EqualUntil = Divergence is null ? next.VmTime : EqualUntil;
    }

    private void ComparePatch(HypercallPatch found)
    {
        PatchesSeen++;
        if (!_patches.TryDequeue(out ReplayEvent? expected))
        {
            Divergence ??= new Divergence(
                _events[_next].Stream.Vm.Vcpu(found.VcpuIndex), 0, found.VmTime, "no patch", Describe(found));
            return;
        }

        CompareText(expected, Describe(((JournalEvent.PatchApplied)expected.Event).Patch), Describe(found));
    }

    private void CompareText(ReplayEvent at, string expected, string found)
    {
        if (!string.Equals(expected, found, StringComparison.Ordinal))
        {
            Diverge(at, expected, found);
        }
    }

    private void Diverge(ReplayEvent at, string expected, string found) =>
        Divergence ??= new Divergence(at.Stream, at.Seq, at.VmTime, expected, found);

    private static string Text(ulong vmTime) => vmTime.ToString(CultureInfo.InvariantCulture);

    private static string Describe(HypercallPatch patch) =>
        $"vCPU {patch.VcpuIndex} to patch {Convert.ToHexStringLower(patch.Before.AsSpan())} to "
        + $"{Convert.ToHexStringLower(patch.After.AsSpan())} at {patch.Gva} ({patch.Gpa}) for {patch.Vendor} at "
        + $"VM time {patch.VmTime}";
}
