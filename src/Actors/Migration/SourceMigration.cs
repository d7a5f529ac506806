// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Vm;
using KvmActors.Persistence.Journal;

namespace KvmActors.Actors.Migration;

/// <summary>Moves a VM away, as a list of phases. Runs beside the VM actor and touches it only by messages, so that the
/// guest goes on until it has to stand still.</summary>
internal sealed class SourceMigration(VmServices services, ActorRef vm, MigrationPlan plan)
{
    /// <summary>Longest wait for one answer of the VM actor: a commit whose outcome is unknown may take as long as the
    /// store is away, and until then nothing is decided.</summary>
    private static readonly TimeSpan s_stepMax = TimeSpan.FromMinutes(10);

    private MigrationPhase _phase = MigrationPhase.Offer;
    private int _rounds;
    private int _pagesPreCopied;
    private int _pagesStopped;
    private ulong _vmTime;
    private long? _stoodStillAt;
    private TimeSpan? _downtime;

    public async Task<MigrationOutcome> RunAsync(CancellationToken stop)
    {
        Refusal? fault =
            await Phase(MigrationPhase.Offer, OfferAsync, stop)
            ?? await Phase(MigrationPhase.Begin, BeginAsync, stop)
            ?? await Phase(MigrationPhase.PreCopy, PreCopyAsync, stop)
            ?? await Phase(MigrationPhase.Pause, PauseAsync, stop)
            ?? await Phase(MigrationPhase.StopAndCopy, StopAndCopyAsync, stop)
            ?? await Phase(MigrationPhase.HandOver, HandOverAsync, stop);
        return fault is null ? Moved() : await GiveUpAsync(fault, stop);
    }

    private async Task<Refusal?> Phase(
        MigrationPhase phase, Func<CancellationToken, Task<Refusal?>> work, CancellationToken stop)
    {
        _phase = phase;
        long begun = services.Clock.GetTimestamp();
        Refusal? fault = await work(stop);
        services.Observer.On(new ClusterEvent.MigrationPhaseEnded(
            plan.Key.Migration, plan.Key.Vm, phase.ToString(), services.Clock.GetElapsedTime(begun)));
        return fault;
    }

    private Task<Refusal?> OfferAsync(CancellationToken stop) => SendAsync(
        new MigrationMessage.Offer(plan.Key, services.Guests.Engine, plan.Vm, plan.Cpuid), stop);

    private async Task<Refusal?> BeginAsync(CancellationToken stop) =>
        FaultIn(await AskVmAsync(new VmMessage.BeginMove(plan.Key.Migration, plan.Target.Id), stop));

    private async Task<Refusal?> PreCopyAsync(CancellationToken stop)
    {
        MigrationLimits limits = services.Options.Migration;
        long started = services.Clock.GetTimestamp();
        int pages = 0;
        TimeSpan took = TimeSpan.Zero;
        while (true)
        {
            MoveStep step = await AskVmAsync(new VmMessage.ListPages(IsFirst: _rounds == 0), stop);
            if (step is not MoveStep.Listed listed)
            {
                return FaultIn(step);
            }

            if (!PreCopyPolicy.GoesOn(_rounds, listed.Pages, pages, took, limits))
            {
                return null;
            }

            long begun = services.Clock.GetTimestamp();
            if (await SendRoundAsync(started, limits, stop) is { } fault)
            {
                return fault;
            }

            pages = listed.Pages;
            took = services.Clock.GetElapsedTime(begun);
            _rounds++;
        }
    }

    private async Task<Refusal?> SendRoundAsync(long started, MigrationLimits limits, CancellationToken stop)
    {
        while (true)
        {
            MoveStep step = await AskVmAsync(new VmMessage.CopyPages(), stop);
            if (step is not MoveStep.Copied copied)
            {
                return FaultIn(step);
            }

            _pagesPreCopied += copied.Pages.Length;
            if (await SendPagesAsync(copied.Pages, stop) is { } fault)
            {
                return fault;
            }

            TimeSpan pause = PreCopyPolicy.PauseAfter(
                _pagesPreCopied, services.Clock.GetElapsedTime(started), limits);
            if (pause > TimeSpan.Zero)
            {
                await services.Clock.DelayAsync(pause, stop);
            }

            if (copied.IsLast)
            {
                return null;
            }
        }
    }

    private async Task<Refusal?> PauseAsync(CancellationToken stop)
    {
        MoveStep step = await AskVmAsync(new VmMessage.Hold(), stop);
        if (step is not MoveStep.Held held)
        {
            return FaultIn(step);
        }

        _vmTime = held.VmTime;
        _stoodStillAt = held.StoodStillAt;
        return null;
    }

    private async Task<Refusal?> StopAndCopyAsync(CancellationToken stop)
    {
        MoveStep step = await AskVmAsync(new VmMessage.CopyRest(), stop);
        if (step is not MoveStep.Rest rest)
        {
            return FaultIn(step);
        }

        _pagesStopped = rest.Pages.Length;
        return await SendPagesAsync(rest.Pages, stop)
            ?? await SendAsync(
                new MigrationMessage.Final(
                    plan.Key, rest.Machine, rest.State, rest.Memory, rest.Console, rest.Heads),
                stop);
    }

    private async Task<Refusal?> HandOverAsync(CancellationToken stop)
    {
        // Point of no return. Once this message is out, the target may own the VM: whatever comes back, from here on
        // the guest runs here again only after an abort that the rows accepted.
        DedupEntry reply = ReplyCodec.Entry(plan.Stream, plan.Command, new ControlReply.Migrated(Report()));
        Refusal? fault = await SendAsync(new MigrationMessage.HandOver(plan.Key, reply), stop);
        _downtime = fault is null && _stoodStillAt is { } since ? services.Clock.GetElapsedTime(since) : null;
        return fault;
    }

    private async Task<MigrationOutcome> GiveUpAsync(Refusal fault, CancellationToken stop)
    {
        if (!MigrationPhases.NeedsAbort(_phase))
        {
            return new MigrationOutcome.NotMoved(fault);
        }

        MoveStep step = await AskVmAsync(new VmMessage.AbortMove(plan.Key.Migration, fault.Sentence), stop);
        if (step is MoveStep.Lost && MigrationPhases.TargetMayOwn(_phase))
        {
            return Moved();
        }

        // Only frees the target's memory early: its rows tell it the same.
        await SendAsync(new MigrationMessage.Cancel(plan.Key), stop);
        return new MigrationOutcome.NotMoved(fault with
        {
            WhatToDo = $"The move was given up and {plan.Key.Vm} stays on {plan.Key.Source}. {fault.WhatToDo}",
        });
    }

    private MigrationOutcome.Moved Moved() => new(Report());

    private MigrationReport Report() => new(
        plan.Key.Migration,
        plan.Stream,
        plan.Vm.Spec.VcpuCount,
        plan.Key.Source,
        plan.Target.Id,
        plan.Key.Epoch,
        plan.Key.Epoch.Next,
        _vmTime,
        _downtime,
        _pagesPreCopied,
        _pagesStopped,
        _rounds);

    private async Task<Refusal?> SendPagesAsync(ImmutableArray<CapturedPage> pages, CancellationToken stop)
    {
        foreach (CapturedPage[] batch in pages.Chunk(MigrationMessage.PagesBytesMax / CapturedPage.SizeBytes))
        {
            if (await SendAsync(new MigrationMessage.Pages(plan.Key, [.. batch]), stop) is { } fault)
            {
                return fault;
            }
        }

        return null;
    }

    private async Task<Refusal?> SendAsync(MigrationMessage message, CancellationToken stop)
    {
        try
        {
            return await LinkCalls.SendAsync(services, plan.Target.Endpoint, message, stop) switch
            {
                MigrationAnswer.Refused refused => refused.Why,
                _ => null,
            };
        }
        catch (LinkException failure)
        {
            return new Refusal(
                RefusalKind.Unavailable,
                $"an answer of {plan.Target.Id} to {message.GetType().Name}",
                failure.Message,
                "Look at: cluster status.");
        }
    }

    private async Task<MoveStep> AskVmAsync(VmMessage message, CancellationToken stop)
    {
        AskResult<MoveStep> result = await vm.TryAsk<MoveStep>(message, s_stepMax, Lane.Control, stop);
        return result is AskResult<MoveStep>.Answered answered
            ? answered.Value
            : new MoveStep.Refused(new Refusal(
                RefusalKind.Unavailable,
                $"the actor of {plan.Key.Vm} to take part in its move",
                $"{result.GetType().Name}",
                "Look at: vm show."));
    }

    private static Refusal? FaultIn(MoveStep step) => step switch
    {
        MoveStep.Refused refused => refused.Why,
        MoveStep.Lost => new Refusal(
            RefusalKind.Unavailable, "this node to own the VM", "another owner", "Send the command again."),
        _ => null,
    };
}
