// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Vm;
using KvmActors.Machine.Time;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Actors.Migration;

/// <summary>One move that comes in: gathers memory, builds a shadow of the guest, and takes the VM over by one commit.
/// </summary>
/// <remarks>It keeps the shadow until the rows show that its migration is over, since only they know.</remarks>
internal sealed class TargetMigrationActor(VmServices services, MigrationMessage.Offer offer) : Actor
{
    /// <summary>How often the rows are looked at for a source that fell silent.</summary>
    private static readonly TimeSpan s_lookEvery = TimeSpan.FromSeconds(5);

    /// <summary>More than any source has under way.</summary>
    private const int EarlyMax = 16;

    private ISliceRunner? _runner;
    private IIncomingGuest? _incoming;
    private IGuest? _shadow;
    private MigrationMessage.Final? _final;
    private VmHistory? _history;

    private readonly Dictionary<uint, (MigrationMessage.Pages Pages, ActorRef? Source)> _early = [];
    private uint _batches;

    /// <summary>Of the batch that is next; null while none was refused.</summary>
    private Refusal? _refused;
    private TimeSpan _commitTook;
    private long _committedAt;
    private long _heardAt;

    private sealed record Look;

    private MigrationKey Key => offer.Key;

    public override ValueTask PreStartAsync()
    {
        _runner = services.Runners(Key.Vm);
        _heardAt = services.Clock.GetTimestamp();
        Context.Timers.StartPeriodic(typeof(Look), new Look(), s_lookEvery);
        return ValueTask.CompletedTask;
    }

    public override async ValueTask ReceiveAsync(object message)
    {
        if (message is MigrationMessage)
        {
            _heardAt = services.Clock.GetTimestamp();
        }

        switch (message)
        {
            case MigrationMessage.Pages pages:
                await TakePagesAsync(pages);
                break;
            case MigrationMessage.Final final:
                Context.Reply(await BuildAsync(final));
                break;
            case MigrationMessage.HandOver handOver:
                await HandOverAsync(handOver);
                break;
            case MigrationMessage.Cancel:
                Context.Reply(new MigrationAnswer.Accepted(Key.Epoch));
                Context.Stop(Context.Self);
                break;
            case Look:
                await LookAsync();
                break;
            default:
                throw new UnreachableException(message.GetType().Name);
        }
    }

    public override async ValueTask PostStopAsync()
    {
        RefuseEarly(new Refusal(
            RefusalKind.State,
            $"migration {Key.Migration} to be under way on {services.Self}",
            "that it is over",
            "Start the move again."));
        _shadow?.Dispose();
        _incoming?.Dispose();
        if (_runner is not null)
        {
            await RunnerEnd.DisposeAsync(_runner);
        }
    }

    private async Task TakePagesAsync(MigrationMessage.Pages pages)
    {
        if (pages.Batch > 0 && pages.Batch <= _batches)
        {
            // The link may deliver a message twice; what it says may be out of date by now.
            Context.Reply(new MigrationAnswer.Accepted(Key.Epoch));
        }
        else if (pages.Batch > _batches + 1)
        {
            KeepForLater(pages);
        }
        else
        {
            MigrationAnswer answer = await PutAsync(pages);
            Context.Reply(answer);
            while (answer is not MigrationAnswer.Refused
                && _early.Remove(_batches + 1, out (MigrationMessage.Pages Pages, ActorRef? Source) next))
            {
                answer = await PutAsync(next.Pages);
                next.Source?.Tell(answer, Context.Self);
            }

            _refused = (answer as MigrationAnswer.Refused)?.Why;
            if (_refused is not null)
            {
                RefuseEarly(_refused);
            }
        }
    }

    /// <summary>Batches that are under way together may come in another order than they were packed in.</summary>
    private void KeepForLater(MigrationMessage.Pages pages)
    {
        if (_refused is not null)
        {
            Context.Reply(new MigrationAnswer.Refused(_refused));
            return;
        }

        if (_early.Count >= EarlyMax && !_early.ContainsKey(pages.Batch))
        {
            Context.Reply(new MigrationAnswer.Refused(new Refusal(
                RefusalKind.Invalid,
                $"batch {_batches + 1} of pages",
                $"{_early.Count} later ones before it",
                "Report it with both nodes' versions.")));
            return;
        }

        _early[pages.Batch] = (pages, Context.Sender);
    }

    /// <summary>Those that wait for a batch that will not come: else their senders would wait for as long as a call
    /// may take.</summary>
    private void RefuseEarly(Refusal why)
    {
        foreach ((MigrationMessage.Pages _, ActorRef? source) in _early.Values)
        {
            source?.Tell(new MigrationAnswer.Refused(why), Context.Self);
        }

        _early.Clear();
    }

    private async Task<MigrationAnswer> PutAsync(MigrationMessage.Pages pages)
    {
        Refusal? wrong = null;
        await OnRunnerAsync(() =>
        {
            // Summed now, while the guest still runs on the source: at the end only the last pages are left to sum.
            _incoming ??= services.Guests.Receive(offer.Vm.Spec);
            if (pages.Loan is not { } loan)
            {
                wrong = PageUnpacking.Put(pages.All, _incoming);
            }
            else if (!loan.TryUse(() => wrong = PageUnpacking.Put(pages.All, _incoming)))
            {
                wrong = TooLate(pages);
            }

            _incoming.Prepare();
        });
        if (wrong is not null)
        {
            return new MigrationAnswer.Refused(wrong);
        }

        _batches = Math.Max(_batches, pages.Batch);
        if (_history is null)
        {
            // The guest still runs on the source: what is read now needs not be read while it stands still.
            await ReadHistoryAsync();
        }

        return new MigrationAnswer.Accepted(Key.Epoch);
    }

    private static Refusal TooLate(MigrationMessage.Pages pages) => new(
        RefusalKind.Unavailable,
        $"batch {pages.Batch} of pages while its sender waits",
        "that it waits no longer",
        "Start the move again.");

    private async Task ReadHistoryAsync()
    {
        try
        {
            _history = await JournalReplayer.ReadHistoryAsync(services.Store, Key.Vm, Context.Stopping);
        }
        catch (StoreUnavailableException failure)
        {
            services.Observer.On(new ClusterEvent.StoreTrouble($"history of {Key.Vm}", failure.Message));
        }
    }

    private async Task<MigrationAnswer> BuildAsync(MigrationMessage.Final final)
    {
        _final = final;
        long begun = services.Clock.GetTimestamp();
        Refusal? wrong = null;
        await OnRunnerAsync(() =>
        {
            // The link may deliver a message twice; the memory went into the first one's guest.
            _shadow ??= Complete(final);
            wrong = Verify(final, _shadow);
        });
        return wrong is null
            ? new MigrationAnswer.Accepted(Key.Epoch) { Took = services.Clock.GetElapsedTime(begun) }
            : new MigrationAnswer.Refused(wrong);
    }

    private IGuest Complete(MigrationMessage.Final final)
    {
        _incoming ??= services.Guests.Receive(offer.Vm.Spec);
        IGuest guest = _incoming.Complete(final.Machine);
        _incoming = null;
        return guest;
    }

    private Task<SliceResult> OnRunnerAsync(Action work) => _runner!.RunAsync(
        () =>
        {
            work();
            return new SliceResult(SliceStop.Yielded, 0, 0, 0, ReadOnlyMemory<byte>.Empty, []);
        },
        Context.Stopping);

    private Refusal? Verify(MigrationMessage.Final final, IGuest shadow)
    {
        string expected = $"state {final.State} and memory sum {final.Memory}";
        string found = $"state {shadow.HashState()} and memory sum {shadow.SumMemory()}";
        return expected == found
            ? null
            : new Refusal(
                RefusalKind.State,
                $"the copy on {services.Self} to have {expected}",
                found,
                "The engines differ, or pages were lost. Report it with both nodes' versions.");
    }

    private async Task HandOverAsync(MigrationMessage.HandOver handOver)
    {
        if (_shadow is null || _final is null)
        {
            Context.Reply(new MigrationAnswer.Refused(new Refusal(
                RefusalKind.State, "a verified copy before the hand-over", "none", "Start the move again.")));
            return;
        }

        long begun = services.Clock.GetTimestamp();
        IReadOnlyList<StreamRow> stored = await services.Store.ReadLockedAsync(Key.Vm, Context.Stopping);
        var rows = VmRows.Of(stored);
        if (HandOverRules.WhyNot(rows, Key, services.Self, _final.Heads) is { } refusal)
        {
            Context.Reply(new MigrationAnswer.Refused(refusal));
            return;
        }

        ulong vmTime = _final.Machine.VmTime;
        VmCommit.Prepared commit = VmCommit.On(rows)
            .AddToAll(vmTime, new JournalEvent.HandedOff(Key.Migration, services.Self, _final.State, _final.Memory))
            .MoveTo(services.Self, vmTime, services.Options.HostVendor)
            .Answer(handOver.Reply)
            .Build();
        CommitResult result = await services.Writer.CommitAsync(commit.Transaction, Context.Stopping);
        if (result is not CommitResult.Committed)
        {
            Context.Reply(new MigrationAnswer.Refused(new Refusal(
                RefusalKind.State,
                $"the rows of {Key.Vm} to be as migration {Key.Migration} left them",
                $"{result}",
                "Look at: vm show.")));
            return;
        }

        _committedAt = services.Clock.GetTimestamp();
        _commitTook = services.Clock.GetElapsedTime(begun, _committedAt);
        await AdoptAsync(commit, _shadow, _final);
    }

    private async Task AdoptAsync(VmCommit.Prepared commit, IGuest guest, MigrationMessage.Final final)
    {
        VmHistory history;
        try
        {
            history = _history is null
                ? await VmHistory.ReadAsync(services.Store, commit.After, Context.Stopping)
                : await _history.ExtendAsync(services.Store, commit.After, Context.Stopping);
        }
        catch (StoreUnavailableException)
        {
            // The VM is this node's; what cannot be read now, a rebuild reads in time.
            AdoptByRebuild(commit.After);
            return;
        }

        guest.HostVendor = services.Options.HostVendor;
        VmSessionStart session = new(
            guest,
            commit.After,
            history.FoldVm(),
            history.FoldVcpus(),
            new ConsoleLog(final.Machine.ConsoleBytes, final.Console.Span),
            SnapshotPages: [],
            NextSnapshotIsFull: true,
            final.Machine)
        {
            Birth = history.Birth,
        };
        _shadow = null;
        MigrationAnswer.Accepted answer = new(commit.After.Epoch) { Took = _commitTook };
        VmActorStart.HandedOver start = new(session, _runner!, Context.Sender, answer, _committedAt);
        _runner = null;
        Context.Parent?.Tell(new VmHostMessage.AdoptHandedOver(start), Context.Self, Lane.Control);
        Context.Stop(Context.Self);
    }

    private void AdoptByRebuild(VmRows rows)
    {
        VmHostMessage.Adopt adopt = new(rows, From: null, services.Clock.GetTimestamp());
        Context.Parent?.Tell(adopt, Context.Self, Lane.Control);
        Context.Reply(new MigrationAnswer.Accepted(rows.Epoch));
        Context.Stop(Context.Self);
    }

    private async Task LookAsync()
    {
        try
        {
            IReadOnlyList<StreamRow> rows = await services.Store.ReadLockedAsync(Key.Vm, Context.Stopping);
            bool isOver = rows.Count == 0 || rows[0].Epoch != Key.Epoch || rows[0].Migration != Key.Migration;

            // Between the offer and its beginning the rows do not name the migration yet.
            if (isOver && services.Clock.GetElapsedTime(_heardAt) > services.Options.LinkTimeout)
            {
                Context.Stop(Context.Self);
            }
        }
        catch (StoreUnavailableException failure)
        {
            services.Observer.On(new ClusterEvent.StoreTrouble($"rows of {Key.Vm}", failure.Message));
        }
    }
}
