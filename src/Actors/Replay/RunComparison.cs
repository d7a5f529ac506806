// SPDX-License-Identifier: Apache-2.0

using KvmActors.Machine;
using KvmActors.Machine.Hashing;
using KvmActors.Persistence.Events;

namespace KvmActors.Actors.Replay;

/// <summary>Finds where two recorded lives part: two runs of one VM, or a VM and a fork of it.</summary>
/// <remarks>
/// <para>What is compared is what software sees of itself: registers, without CPUID tables and the local APIC, and
/// memory. Devices, and what waits in them, count from where an instruction takes it.</para>
/// <para>Where something is known that may make them part (other input, another CPUID table), both walk step by step
/// from there, for <see cref="StepsMax"/> at most. Else, and behind that, both walk in strides until one ends in a
/// difference, and that stride is halved: lives that part and come together again inside of a stride look equal
/// then.</para>
/// </remarks>
public sealed class RunComparison
{
    /// <summary>Steps that are compared one by one.</summary>
    public const int StepsMax = 2_000_000;

    private const ulong Strides = 64;
    private const int LookEvery = 1 << 14;

    private readonly Timeline _first;
    private readonly Timeline _second;

    /// <param name="first">Moves; stays the caller's.</param>
    /// <param name="second">Moves; stays the caller's.</param>
    /// <exception cref="ArgumentException">They have no VM time in common, or other machines.</exception>
    public RunComparison(Timeline first, Timeline second)
    {
        _first = first;
        _second = second;
        From = Math.Max(first.Start.VmTime, second.Start.VmTime);
        Until = Math.Min(first.End.VmTime, second.End.VmTime);
        MachineSpec other = second.Machine.Spec;
        if (From > Until || first.Machine.Spec.VcpuCount != other.VcpuCount
            || first.Machine.Spec.MemoryBytes != other.MemoryBytes)
        {
            throw new ArgumentException(
                $"Expected two lives of one machine with a common stretch of VM time, found {first.History.Vm} from "
                + $"{first.Start} to {first.End} and {second.History.Vm} from {second.Start} to {second.End}, with "
                + $"{first.Machine.Spec.VcpuCount} and {other.VcpuCount} vCPUs.",
                nameof(second));
        }
    }

    /// <summary>VM time from which both are known.</summary>
    public ulong From { get; }

    /// <summary>VM time until which both are known.</summary>
    public ulong Until { get; }

    /// <summary>The first event behind <see cref="From"/> that entered one guest and not, or not so, the other; null
    /// where the same entered both.</summary>
    public (ReplayEvent? First, ReplayEvent? Second)? FirstInput()
    {
        ReplayEvent[] first = [.. InputsOf(_first)];
        ReplayEvent[] second = [.. InputsOf(_second)];
        for (int index = 0; index < Math.Max(first.Length, second.Length); index++)
        {
            ReplayEvent? one = index < first.Length ? first[index] : null;
            ReplayEvent? other = index < second.Length ? second[index] : null;
            if (one is null || other is null || !AreSame(one, other))
            {
                return (one, other);
            }
        }

        return null;
    }

    /// <summary>The last VM time at which both are equal, which an instruction or a delivery then ends; null where they
    /// are equal until <see cref="Until"/>. Where they differ from the beginning, that is <see cref="From"/>.</summary>
    /// <param name="progress">Is told the VM times that are looked at.</param>
    public async Task<ulong?> FindAsync(Action<ulong>? progress, CancellationToken cancellationToken)
    {
        ulong equal = From;
        if (!await AreEqualAtAsync(equal, progress, cancellationToken))
        {
            return From;
        }

        ulong? differs = null;
        if (SuspectFrom() is { } suspect)
        {
            if (!await AreEqualAtAsync(suspect, progress, cancellationToken))
            {
                differs = suspect;
            }
            else if (Walk(progress, cancellationToken) is { } parting)
            {
                return parting;
            }
            else
            {
                equal = suspect;
            }
        }

        ulong stride = Math.Max(1, (Until - From) / Strides);
        while (differs is null && equal < Until)
        {
            ulong next = Math.Min(Until, equal + stride);
            if (await AreEqualAtAsync(next, progress, cancellationToken))
            {
                equal = next;
            }
            else
            {
                differs = next;
            }
        }

        while (differs is { } end && end - equal > 1)
        {
            ulong middle = equal + ((end - equal) / 2);
            if (await AreEqualAtAsync(middle, progress, cancellationToken))
            {
                equal = middle;
            }
            else
            {
                differs = middle;
            }
        }

        return differs is null ? null : equal;
    }

    /// <summary>Takes both from a VM time at which they are equal to the first step that makes a difference.</summary>
    /// <param name="observe">Is told, before each step, the timeline and the vCPU.</param>
    /// <returns>What the step was in each; null for one that does not go on.</returns>
    public async Task<(GuestTracer? First, GuestTracer? Second)> StepAsync(
        ulong equal, Action<Timeline, int>? observe, CancellationToken cancellationToken)
    {
        _ = await _first.GoToAsync(new Moment(equal), cancellationToken);
        _ = await _second.GoToAsync(new Moment(equal), cancellationToken);
        Moment end = new(Until + 1);
        GuestTracer first = new(_first, end, vcpu => observe?.Invoke(_first, vcpu));
        GuestTracer second = new(_second, end, vcpu => observe?.Invoke(_second, vcpu));
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (bool one, bool other) = (first.MoveNext(), second.MoveNext());
            if (!one || !other || !AreEqual())
            {
                return (one ? first : null, other ? second : null);
            }
        }
    }

    /// <summary>Whether software in both sees the same where they stand.</summary>
    public bool AreEqual()
    {
        MachineState one = _first.Machine.Save();
        MachineState other = _second.Machine.Save();
        MachineState comparable = other with
        {
            HostVendor = one.HostVendor,
            ConsoleBytes = one.ConsoleBytes,
            Platform = one.Platform,
            PatchSites = one.PatchSites,
            Vcpus =
            [
                .. other.Vcpus.Select((vcpu, index) => vcpu with
                {
                    Cpuid = one.Vcpus[index].Cpuid,
                    Observed = one.Vcpus[index].Observed,
                    Apic = one.Vcpus[index].Apic,
                    Events = one.Vcpus[index].Events,
                }),
            ],
        };
        return StateHasher.Hash(one) == StateHasher.Hash(comparable)
            && _first.Machine.SumMemory() == _second.Machine.SumMemory();
    }

    /// <summary>VM time from which something is not the same that software may come to see; null where nothing is.
    /// Both stand at <see cref="From"/>.</summary>
    private ulong? SuspectFrom() => _first.Machine.HashState() != _second.Machine.HashState()
        ? From
        : FirstInput() is { } input
            ? Math.Min(input.First?.VmTime ?? Until, input.Second?.VmTime ?? Until)
            : null;

    /// <summary>Takes both from where they stand, equal, step by step.</summary>
    /// <returns>VM time of the first step that is another one or has changed other general registers; null where none
    /// was.</returns>
    private ulong? Walk(Action<ulong>? progress, CancellationToken cancellationToken)
    {
        Moment end = new(Until + 1);
        GuestTracer first = new(_first, end);
        GuestTracer second = new(_second, end);
        ulong last = _first.Now.VmTime;
        for (int step = 0; step < StepsMax; step++)
        {
            if (step % LookEvery == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
                progress?.Invoke(last);
            }

            (bool one, bool other) = (first.MoveNext(), second.MoveNext());
            if (!one && !other)
            {
                return null;
            }

            bool isSame = one && other && first.At == second.At && first.LinearRip == second.LinearRip
                && first.Stepped.Index == second.Stepped.Index
                && first.Stepped.HasRetired == second.Stepped.HasRetired;
            if (!isSame)
            {
                return last;
            }

            last = first.At.VmTime;
            if (!first.After.SequenceEqual(second.After))
            {
                return last;
            }
        }

        return null;
    }

    private async Task<bool> AreEqualAtAsync(
        ulong vmTime, Action<ulong>? progress, CancellationToken cancellationToken)
    {
        progress?.Invoke(vmTime);
        foreach (Timeline each in new[] { _first, _second })
        {
            _ = await each.GoToAsync(new Moment(vmTime), cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
        }

        return AreEqual();
    }

    /// <summary>What entered from outside, but for placements that leave the host vendor as it was.</summary>
    private IEnumerable<ReplayEvent> InputsOf(Timeline timeline)
    {
        object? vendor = null;
        foreach (ReplayEvent next in timeline.History.Events.Where(OutsideEvents.Contains))
        {
            bool isNews = next.Event is not JournalEvent.Placed placed || !placed.HostVendor.Equals(vendor);
            vendor = next.Event is JournalEvent.Placed now ? now.HostVendor : vendor;
            if (isNews && next.VmTime > From && next.VmTime <= Until)
            {
                yield return next;
            }
        }
    }

    private static bool AreSame(ReplayEvent one, ReplayEvent other) =>
        one.VmTime == other.VmTime
        && one.Stream.VcpuIndex == other.Stream.VcpuIndex
        && (one.Event, other.Event) switch
        {
            (JournalEvent.InputArrived a, JournalEvent.InputArrived b) =>
                a.Bytes.AsSpan().SequenceEqual(b.Bytes.AsSpan()),
            (JournalEvent.CpuidSet a, JournalEvent.CpuidSet b) => a.Table.Equals(b.Table),
            (JournalEvent.Placed a, JournalEvent.Placed b) => a.HostVendor == b.HostVendor,
            _ => false,
        };
}
