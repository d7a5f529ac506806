// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Migration;
using KvmActors.Actors.Vcpu;
using KvmActors.Persistence;

namespace KvmActors.Actors.Vm;

/// <summary>One VM on the node that owns it: takes commands, runs its guest slice by slice, and answers only what is
/// durable.</summary>
/// <remarks>What a command does is decided by <see cref="VmDecider"/>; the steps of a move are in
/// <see cref="VmMoves"/>. A failure stops the actor, and its parent rebuilds it from the journal.</remarks>
internal sealed class VmActor(VmServices services, VmId vm, VmActorStart start) : Actor
{
    private readonly ConsoleReaders _readers = new();
    private readonly VmAnswers _answers = new(services, vm);
    private VmSession? _session;
    private VcpuChildren? _vcpus;
    private VmOrders? _orders;
    private VmMoves? _moves;
    private VmPublisher? _publisher;
    private ISliceRunner? _runner;
    private bool _isLeaving;

    private sealed record SliceEnded(Task<SliceCapture> Slice);

    private sealed record Activated(Activation Activation);

    private sealed record MoveEnded(MigrationOutcome Outcome);

    private sealed record RestOver
    {
        public static RestOver Instance { get; } = new();
    }

    private sealed record WaitOver(ConsoleReaders.Waiting Reader);

    private sealed record Failed(string What, Exception Cause);

    public override ValueTask PreStartAsync()
    {
        CancellationToken stop = Context.Stopping;
        switch (start)
        {
            case VmActorStart.Create create:
                _runner = services.Runners(vm);
                Activate(BearAsync(create.Request, _runner, stop));
                break;
            case VmActorStart.Rebuild rebuild:
                _runner = services.Runners(vm);
                Activate(new VmRecovery(services, rebuild, _runner).RunAsync(stop));
                break;
            case VmActorStart.HandedOver handed:
                _runner = handed.Runner;
                Begin(new VmSession(services, handed.Session, handed.Runner), recovery: null);
                handed.Source?.Tell(
                    handed.Answer with { Start = services.Clock.GetElapsedTime(handed.CommittedAt) }, Context.Self);
                break;
            case VmActorStart.Quarantine quarantine:
                Activate(Task.FromResult<Activation>(new Activation.Corrupt(quarantine.Rows, quarantine.Reason)));
                break;
            default:
                throw new UnreachableException(start.GetType().Name);
        }

        return ValueTask.CompletedTask;
    }

    public override async ValueTask ReceiveAsync(object message)
    {
        if (_isLeaving)
        {
            if (message is VmMessage.Order or VmMessage.ToVcpu or VmMessage.Move or VmMessage.CancelMove
                or VmMessage.ReadConsole)
            {
                _answers.Refer(Context.Sender);
            }

            return;
        }

        try
        {
            await TakeAsync(message);
        }
        catch (TailLostException lost)
        {
            await HaltAsync(lost);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            services.Observer.On(new ClusterEvent.VmFailed(vm, failure.Message));
            throw;
        }
    }

    private async Task TakeAsync(object message)
    {
        switch (message)
        {
            case Activated activated:
                await OnActivatedAsync(activated.Activation);
                break;
            case Failed failed:
                throw new InvalidOperationException(
                    $"{failed.What} of {vm} failed: {failed.Cause.Message}", failed.Cause);
            case VmMessage request when _session is null:
                WaitForActivation(request);
                break;
            case VmMessage request:
                await OnRequestAsync(request, _session);
                break;
            case SliceEnded ended:
                await OnSliceEndedAsync(ended, _session!);
                break;
            case MoveEnded ended:
                OnMoveEnded(ended.Outcome);
                break;
            case RestOver:
                Kick();
                break;
            case WaitOver over:
                if (_readers.Remove(over.Reader))
                {
                    _answers.Send(over.Reader.Client, ConsoleReaders.NothingNew(over.Reader));
                }

                break;
            default:
                throw new UnreachableException(message.GetType().Name);
        }
    }

    public override async ValueTask PostStopAsync()
    {
        Unpublish();
        ReferInputs();
        foreach (ConsoleReaders.Waiting reader in _readers.TakeAll())
        {
            _answers.Refer(reader.Client);
        }

        if (_session is not null)
        {
            await _session.DisposeAsync();
        }
        else if (_runner is not null)
        {
            await RunnerEnd.DisposeAsync(_runner);
        }
    }

    private void Activate(Task<Activation> work) => Context.PipeToSelf(
        work, static activation => new Activated(activation), static cause => new Failed("The activation", cause));

    private Task<Activation> BearAsync(ControlRequest request, ISliceRunner runner, CancellationToken stop) =>
        request switch
        {
            ControlRequest.CreateVm create => new VmCreation(services, create, runner).RunAsync(stop),
            ControlRequest.RestoreVm restore => new VmRestoration(services, restore, runner).RunAsync(stop),
            _ => throw new UnreachableException(request.GetType().Name),
        };

    private async Task OnActivatedAsync(Activation activation)
    {
        switch (activation)
        {
            case Activation.Ready ready:
                if (!await new VmMoves(services, ready.Session).EndOldAsync(Context.Stopping))
                {
                    await ready.Session.DisposeAsync();
                    Leave();
                    return;
                }

                Begin(ready.Session, ready.Recovery);
                (start as VmActorStart.Create)?.Client?.Tell(ready.Reply!, Context.Self);
                break;
            case Activation.Refused refused:
                (start as VmActorStart.Create)?.Client?.Tell(refused.Reply, Context.Self);
                Leave();
                break;
            case Activation.Corrupt corrupt:
                await VmQuarantine.PutAsync(services, corrupt.Rows, corrupt.Reason, Context.Stopping);
                Leave();
                break;
            default:
                throw new UnreachableException(activation.GetType().Name);
        }
    }

    private void Begin(VmSession session, RecoveryReport? recovery)
    {
        _session = session;
        _orders = new VmOrders(services, session, _answers, Publish);
        _moves = new VmMoves(services, session);
        _publisher = new VmPublisher(services, recovery);
        _vcpus = new VcpuChildren(Context, services.Store, session.Vcpus);
        Publish();
        Kick();
        Context.UnstashAll();
    }

    /// <summary>The store has forgotten something that was acknowledged: nobody runs this VM until an operator has
    /// decided. The node's other VMs look whether they lost something too.</summary>
    private async Task HaltAsync(TailLostException lost)
    {
        Unpublish();
        _session?.Slices.AskToStop();
        Context.Parent?.Tell(new VmHostMessage.CheckTails(), Context.Self, Lane.Control);
        await VmQuarantine.PutAsync(services, lost, _session?.Birth, Context.Stopping);
        Leave();
    }

    private void WaitForActivation(VmMessage request)
    {
        bool isCommand = request
            is VmMessage.Order or VmMessage.ToVcpu or VmMessage.Move or VmMessage.CancelMove;
        if (isCommand ? !Context.Stash() : request is VmMessage.ReadConsole)
        {
            Context.Reply(new ControlReply.Refused(Refusals.BeingRebuilt(vm)));
        }
        else if (request is VmMessage.Retire or VmMessage.Drop)
        {
            Leave();
        }
    }

    private async Task OnRequestAsync(VmMessage request, VmSession session)
    {
        switch (request)
        {
            case VmMessage.Order order:
                if (!await _orders!.TakeAsync(order, Context.Sender, Context.Stopping))
                {
                    Leave();
                    return;
                }

                break;
            case VmMessage.ReadConsole read:
                OnReadConsole(read, session);
                break;
            case VmMessage.ToVcpu to:
                _vcpus!.Forward(to.Index, to.Message);
                break;
            case VmMessage.Move move:
                await OnMoveAsync(move);
                break;
            case VmMessage.CancelMove cancel:
                await _moves!.CancelAsync(cancel.Id, Context.Sender, _answers, Context.Stopping);
                break;
            case VmMessage.GateOpened:
                break;
            case VmMessage.CheckTail:
                await VmQuarantine.CheckTailAsync(services, session, Context.Stopping);
                break;
            case VmMessage.Drop:
                await VmQuarantine.CheckTailAsync(services, session, Context.Stopping);
                Leave();
                return;
            case VmMessage.Retire:
                _answers.Acknowledge(await session.SettleAsync(withMemory: false, Context.Stopping));
                Leave();
                return;
            default:
                MoveStep step = await _moves!.StepAsync(request, Context.Stopping);
                _answers.Acknowledge(_moves.LastSettled);
                Context.Reply(step);
                break;
        }

        _vcpus!.Tell(session.Vcpus);
        Publish();
        Kick();
    }

    private void OnReadConsole(VmMessage.ReadConsole read, VmSession session)
    {
        if (ConsoleReaders.Answer(session.Output, session.State, read.Offset, read.BytesMax) is { } reply)
        {
            _answers.Send(Context.Sender, reply);
        }
        else if (_readers.Add(read.Offset, read.BytesMax, Context.Sender) is { } waiting)
        {
            Context.Timers.StartSingle(waiting, new WaitOver(waiting), read.Wait);
        }
        else
        {
            _answers.Send(Context.Sender, new ControlReply.Refused(Refusals.Overloaded("console reader")));
        }
    }

    private async Task OnMoveAsync(VmMessage.Move move)
    {
        // A vCPU has looked for the reply in its own stream.
        if (move.Stream.VcpuIndex < 0 && await _answers.FindStoredAsync(move.Id, Context.Stopping) is { } stored)
        {
            _answers.Send(Context.Sender, stored);
            return;
        }

        switch (_moves!.Open(move, Context.Sender))
        {
            case { Refused: { } refused }:
                _answers.Send(Context.Sender, new ControlReply.Refused(refused));
                break;
            case { Plan: { } plan }:
                Context.PipeToSelf(
                    new SourceMigration(services, Context.Self, plan).RunAsync(Context.Stopping),
                    static outcome => new MoveEnded(outcome),
                    static cause => new Failed("The move", cause));
                break;
            default:
                // A retry of the command that is under way: answered with it.
                break;
        }
    }

    private void OnMoveEnded(MigrationOutcome outcome)
    {
        IReadOnlyList<(ActorRef? Client, ControlReply? Reply)> clients = [.. _moves!.Close(outcome)];
        if (outcome is MigrationOutcome.Moved or MigrationOutcome.Lost || _session!.IsLost)
        {
            // Before the clients hear of it: one of them may send the VM straight back.
            Leave();
        }
        else
        {
            Kick();
        }

        foreach ((ActorRef? client, ControlReply? reply) in clients)
        {
            // The rows have decided, whoever owns the VM now: the gate has no say.
            client?.Tell(reply ?? _answers.NotOwner(), Context.Self);
        }
    }

    private async Task OnSliceEndedAsync(SliceEnded ended, VmSession session)
    {
        if (!ReferenceEquals(session.Slices.Current, ended.Slice))
        {
            return;
        }

        SliceOutcome outcome = await session.AbsorbAsync(await ended.Slice, Kick, Context.Stopping);
        if (outcome.IsLost)
        {
            _answers.Acknowledge(outcome);
            Leave();
            return;
        }

        _vcpus!.Tell(session.Vcpus);
        Publish();
        _answers.Acknowledge(outcome);
        Kick();
    }

    private void Kick()
    {
        if (_isLeaving || _session is not { } session)
        {
            return;
        }

        if (session.StartSlice(Context.Stopping) is { } slice)
        {
            Context.PipeToSelf(slice, _ => new SliceEnded(slice), static cause => new Failed("A slice", cause));
        }
        else if (session.RestLeft is { } left)
        {
            Context.Timers.StartSingle(RestOver.Instance, RestOver.Instance, left);
        }
    }

    private void Publish()
    {
        if (_session is not { } session || _isLeaving)
        {
            return;
        }

        if (session.IsHeld)
        {
            // A move is at its end: from here on the target may own the VM before this node hears of it, lease or no
            // lease, so that only the rows can tell what is so.
            Unpublish();
        }
        else
        {
            _publisher!.Publish(session, _moves!.Progress);
        }

        foreach ((ConsoleReaders.Waiting reader, ControlReply reply) in
            _readers.TakeAnswered(session.Output, session.State))
        {
            Context.Timers.Cancel(reader);
            _answers.Send(reader.Client, reply);
        }
    }

    // An actor that was made for a creation that is refused has published nothing: the VM of that name may be
    // another's.
    private void Unpublish()
    {
        if (_session is not null)
        {
            services.Board.Remove(vm);
        }
    }

    /// <summary>What was typed here and entered no slice, its client sends to the next owner.</summary>
    private void ReferInputs()
    {
        foreach (PendingInput input in _session?.Inputs.TakeWaiting() ?? [])
        {
            _answers.Refer(input.Sender);
        }
    }

    /// <summary>This node has the VM no longer, or never got it: the parent is told, so that it does not rebuild
    /// it.</summary>
    private void Leave()
    {
        if (_isLeaving)
        {
            return;
        }

        _isLeaving = true;
        Unpublish();
        ReferInputs();
        foreach ((ActorRef? client, _) in _moves?.Close(outcome: null) ?? [])
        {
            _answers.Refer(client);
        }

        Context.Parent?.Tell(new VmHostMessage.Released(vm, Context.Self), Context.Self, Lane.Control);
        Context.Stop(Context.Self);
    }
}
