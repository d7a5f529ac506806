// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Vm;
using KvmActors.Persistence;
using KvmActors.Persistence.Journal;

namespace KvmActors.Actors.Migration;

/// <summary>Moves a VM away, as a list of phases. Runs beside the VM actor and touches it only by messages, so that the
/// guest goes on until it has to stand still.</summary>
internal sealed class SourceMigration
{
    private readonly VmServices _services;
    private readonly MigrationPlan _plan;
    private readonly MoveCalls _calls;
    private readonly PageSending _sending;
    private readonly DowntimeClock _clock;
    private MigrationPhase _phase = MigrationPhase.Offer;
    private int _rounds;
    private int _pagesPreCopied;
    private int _pagesStopped;
    private ulong _vmTime;
    private DowntimeReport? _downtime;
    private ImmutableArray<CapturedPage> _lastPages;

    public SourceMigration(VmServices services, ActorRef vm, MigrationPlan plan)
    {
        _services = services;
        _plan = plan;
        _calls = new MoveCalls(services, vm, plan);
        _sending = new PageSending(services, _calls, plan);
        _clock = new DowntimeClock(services.Clock);
    }

    public async Task<MigrationOutcome> RunAsync(CancellationToken stop)
    {
        Refusal? fault =
            await Phase(MigrationPhase.Offer, OfferAsync, stop)
            ?? await Phase(MigrationPhase.Begin, BeginAsync, stop)
            ?? await Phase(MigrationPhase.PreCopy, PreCopyAsync, stop)
            ?? await Phase(MigrationPhase.Pause, PauseAsync, stop)
            ?? await Phase(MigrationPhase.StopAndCopy, StopAndCopyAsync, stop)
            ?? await Phase(MigrationPhase.HandOver, HandOverAsync, stop);
        return fault is null ? new MigrationOutcome.Moved(Report()) : await GiveUpAsync(fault, stop);
    }

    private async Task<Refusal?> Phase(
        MigrationPhase phase, Func<CancellationToken, Task<Refusal?>> work, CancellationToken stop)
    {
        // The last look is before the hand-over; from there on it is too late to cancel.
        if (_calls.FaultIfCancelled() is { } cancelled)
        {
            return cancelled;
        }

        _phase = phase;
        Tell(pagesLeft: 0);
        long begun = _services.Clock.GetTimestamp();
        Refusal? fault = await work(stop);
        _services.Observer.On(new ClusterEvent.MigrationPhaseEnded(
            _plan.Key.Migration, _plan.Key.Vm, phase.ToString(), _services.Clock.GetElapsedTime(begun)));
        return fault;
    }

    private async Task<Refusal?> OfferAsync(CancellationToken stop) => MoveCalls.FaultIn(await _calls.SendAsync(
        new MigrationMessage.Offer(_plan.Key, _services.Guests.Engine, _plan.Vm, _plan.Cpuid), stop));

    private async Task<Refusal?> BeginAsync(CancellationToken stop) => MoveCalls.FaultIn(
        await _calls.AskVmAsync(new VmMessage.BeginMove(_plan.Key.Migration, _plan.Target.Id), stop));

    private async Task<Refusal?> PreCopyAsync(CancellationToken stop)
    {
        MigrationLimits limits = _services.Options.Migration;
        int pages = 0;
        TimeSpan took = TimeSpan.Zero;
        while (true)
        {
            MoveStep step = await _calls.AskVmAsync(new VmMessage.ListPages(IsFirst: _rounds == 0), stop);
            if (step is not MoveStep.Listed listed)
            {
                return MoveCalls.FaultIn(step);
            }

            if (!PreCopyPolicy.GoesOn(_rounds, listed.Pages, pages, took, limits))
            {
                return null;
            }

            _rounds++;
            int before = _sending.Pages;
            long begun = _services.Clock.GetTimestamp();
            if (await SendRoundAsync(limits, stop) is { } fault)
            {
                _ = await _sending.FinishAsync();
                return fault;
            }

            pages = _sending.Pages - before;
            took = _services.Clock.GetElapsedTime(begun);
        }
    }

    private async Task<Refusal?> SendRoundAsync(MigrationLimits limits, CancellationToken stop)
    {
        Task<MoveStep> next = _calls.AskVmAsync(new VmMessage.CopyPages(), stop);
        while (true)
        {
            MoveStep step = await next;
            if ((MoveCalls.FaultIn(step) ?? _calls.FaultIfCancelled()) is { } fault)
            {
                return fault;
            }

            // The next pages are copied while these go over.
            var copied = (MoveStep.Copied)step;
            next = copied.Left > 0 ? _calls.AskVmAsync(new VmMessage.CopyPages(), stop) : next;
            Refusal? broken = await SendAsync(copied.Pages, stop);
            if (broken is not null || copied.Left == 0)
            {
                await next;
                broken = await _sending.FinishAsync() ?? broken;
            }

            _pagesPreCopied = _sending.Pages;
            Tell(copied.Left);
            TimeSpan pause = PreCopyPolicy.PauseAfter((long)_sending.Bytes, _sending.Took, limits);
            if (broken is null && pause > TimeSpan.Zero)
            {
                await _calls.DelayAsync(pause, stop);
            }

            if (broken is not null || copied.Left == 0)
            {
                return broken;
            }
        }
    }

    private async Task<Refusal?> SendAsync(CopiedPages copied, CancellationToken stop)
    {
        using (copied)
        {
            return await _sending.SendAsync(copied.All, guestRuns: true, stop);
        }
    }

    private async Task<Refusal?> PauseAsync(CancellationToken stop)
    {
        MoveStep step = await _calls.AskVmAsync(new VmMessage.Hold(), stop);
        if (step is not MoveStep.Held held)
        {
            return MoveCalls.FaultIn(step);
        }

        _clock.Held(held.StoodStillAt);
        _vmTime = held.VmTime;
        _pagesStopped = held.Pages.Length;
        _lastPages = held.Pages;
        return null;
    }

    private async Task<Refusal?> StopAndCopyAsync(CancellationToken stop)
    {
        // All that the guest did becomes durable while the last of it goes over and is checked. The target may have it
        // before it is durable, but is not told to take the VM.
        Task<MoveStep> resting = _calls.AskVmAsync(new VmMessage.CopyRest(), stop);
        Task<MoveStep> settling = _calls.AskVmAsync(new VmMessage.MakeDurable(), stop);
        Refusal? fault = await _sending.SendAsync(_lastPages, guestRuns: false, stop);
        fault = await _sending.FinishAsync() ?? fault;
        _clock.PagesSent();
        fault ??= await SendRestAsync(await resting, stop);
        MoveStep settled = await settling;
        _clock.Settled();
        return fault ?? MoveCalls.FaultIn(settled);
    }

    private async Task<Refusal?> SendRestAsync(MoveStep step, CancellationToken stop)
    {
        if (step is not MoveStep.Rest rest)
        {
            return MoveCalls.FaultIn(step);
        }

        MigrationAnswer answer = await _calls.SendAsync(
            new MigrationMessage.Final(
                _plan.Key, rest.Machine, rest.State, rest.Memory, rest.Console, rest.Heads),
            stop);
        _clock.Checked((answer as MigrationAnswer.Accepted)?.Took ?? TimeSpan.Zero);
        return MoveCalls.FaultIn(answer);
    }

    private async Task<Refusal?> HandOverAsync(CancellationToken stop)
    {
        // Point of no return. Once this message is out, the target may own the VM: whatever comes back, from here on
        // the guest runs here again only after an abort that the rows accepted.
        DedupEntry reply = ReplyCodec.Entry(_plan.Stream, _plan.Command, new ControlReply.Migrated(Report()));
        MigrationAnswer answer = await _calls.SendToTheEndAsync(new MigrationMessage.HandOver(_plan.Key, reply), stop);
        _downtime = answer is MigrationAnswer.Accepted accepted ? _clock.HandedOver(accepted) : null;
        return MoveCalls.FaultIn(answer);
    }

    private async Task<MigrationOutcome> GiveUpAsync(Refusal fault, CancellationToken stop)
    {
        if (!MigrationPhases.NeedsAbort(_phase))
        {
            return new MigrationOutcome.NotMoved(fault);
        }

        MoveStep step = await _calls.AskVmAsync(
            new VmMessage.AbortMove(_plan.Key.Migration, fault.Sentence), stop);
        if (step is MoveStep.Lost)
        {
            return await IsHandedOverAsync(stop) ? new MigrationOutcome.Moved(Report()) : new MigrationOutcome.Lost();
        }

        // Only frees the target's memory early: its rows tell it the same.
        await _calls.SendToTheEndAsync(new MigrationMessage.Cancel(_plan.Key), stop);
        return new MigrationOutcome.NotMoved(fault with
        {
            WhatToDo = $"The move was given up and {_plan.Key.Vm} stays on {_plan.Key.Source}. {fault.WhatToDo}",
        });
    }

    /// <summary>Whoever has the VM is the target by this hand-over, or a node that took it over: the hand-over's commit
    /// has the reply.</summary>
    private async Task<bool> IsHandedOverAsync(CancellationToken stop)
    {
        try
        {
            return await _services.Store.FindReplyAsync(_plan.Stream, _plan.Command, stop) is not null;
        }
        catch (StoreUnavailableException failure)
        {
            _services.Observer.On(new ClusterEvent.StoreTrouble($"hand-over of {_plan.Key.Vm}", failure.Message));
            return false;
        }
    }

    private void Tell(int pagesLeft)
    {
        MoveProgress progress = new(
            _plan.Key.Migration,
            _plan.Target.Id,
            _phase,
            _rounds,
            _sending.Pages,
            pagesLeft,
            _sending.Bytes,
            _sending.Took);
        _plan.Watch.Progress = progress;
        _services.Board.Tell(_plan.Key.Vm, progress);
    }

    private MigrationReport Report() => new(
        _plan.Key.Migration,
        _plan.Stream,
        _plan.Vm.Spec.VcpuCount,
        _plan.Key.Source,
        _plan.Target.Id,
        _plan.Key.Epoch,
        _plan.Key.Epoch.Next,
        _vmTime,
        _downtime,
        _pagesPreCopied,
        _pagesStopped,
        _rounds,
        _sending.Bytes);
}
