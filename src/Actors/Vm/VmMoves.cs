// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Diagnostics;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Migration;
using KvmActors.Cpu.Memory;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Vm;

/// <summary>The VM actor's part in its own move: who asked for it, and each step that <see cref="SourceMigration"/>
/// asks for, taken between two slices.</summary>
internal sealed class VmMoves(VmServices services, VmSession session)
{
    /// <summary>Copied at once, 4 MiB: the guest stands still for about a millisecond, and each time its slice ends.
    /// </summary>
    private const int PagesCopiedMax = 1024;

    /// <summary>Looked at for it in the first round, over all pages of the guest, most of which may be zeros.</summary>
    private const int PagesLookedAtMax = 16 * PagesCopiedMax;

    private readonly List<ActorRef?> _clients = [];
    private readonly Queue<int> _pages = [];

    /// <summary>Of the first round: as many pages, from the last one down, were not looked at yet.</summary>
    private int _unseen;
    private readonly List<(CommandId Id, ActorRef? Client)> _cancellers = [];
    private CommandId? _command;
    private MoveWatch? _watch;

    /// <summary>The last commit before the hand-over, and the rows that it is for.</summary>
    private (VmRows Rows, VmCommit.Prepared Commit)? _last;

    /// <param name="Plan">Set where a move is to begin.</param>
    /// <param name="Refused">Set where it is not. Neither: the client waits for the move that is under way.</param>
    public readonly record struct Opening(MigrationPlan? Plan, Refusal? Refused);

    /// <summary>What the last step settled.</summary>
    public SliceOutcome LastSettled { get; private set; }

    /// <summary>How far the move is that is under way; null where none is.</summary>
    public MoveProgress? Progress => _watch?.Progress;

    /// <returns>Null where only the next owner knows.</returns>
    public static ControlReply? ReplyOf(MigrationOutcome outcome) => outcome switch
    {
        MigrationOutcome.Moved moved => new ControlReply.Migrated(moved.Report),
        MigrationOutcome.NotMoved not => new ControlReply.Refused(not.Why),
        MigrationOutcome.Lost => null,
        _ => throw new UnreachableException(outcome.GetType().Name),
    };

    public Opening Open(VmMessage.Move move, ActorRef? client)
    {
        if (_command == move.Id)
        {
            _clients.Add(client);
            return default;
        }

        if (_command is not null)
        {
            return new Opening(null, Refusals.Overloaded($"move of {session.State.Vm}"));
        }

        // Epoch and head only grow, so no later attempt has the same name, whoever makes it.
        MigrationId migration = new($"{session.State.Vm}-{session.Rows.Epoch}-{session.Rows.Own.HeadSeq}");
        if (VmDecider.Decide(session.State, new VmCommand.BeginMove(migration, move.Target.Id))
            is VmDecision.Refused refused)
        {
            return new Opening(null, refused.Why);
        }

        _command = move.Id;
        _clients.Add(client);
        _watch = MoveWatch.Begin();
        MigrationPlan plan = new(
            new MigrationKey(session.State.Vm, migration, session.Rows.Epoch, services.Self),
            move.Id,
            move.Stream,
            move.Target,
            new JournalEvent.VmCreated(
                session.State.Spec, session.State.Image, session.State.ImageSha256, session.State.CommandLine),
            CpuidOf(session),
            _watch);
        return new Opening(plan, null);
    }

    // The observations are those of the last Progress: good enough to tell what the guest has seen.
    private static ImmutableArray<GuestCpuid> CpuidOf(VmSession session) => session.LastMachine is { } machine
        ? GuestCpuid.Of(machine)
        : [.. session.Vcpus.Select(vcpu => GuestCpuid.Unread(vcpu.Cpuid))];

    /// <summary>Asks the move that is under way to give up. The client is told once that is decided.</summary>
    public async Task CancelAsync(CommandId id, ActorRef? client, VmAnswers answers, CancellationToken stop)
    {
        if (await answers.FindStoredAsync(id, stop) is { } stored)
        {
            answers.Send(client, stored);
        }
        else if (_watch is null)
        {
            answers.Send(client, new ControlReply.Refused(NothingToCancel(
                $"none; it is on {services.Self}, under epoch {session.Rows.Epoch}")));
        }
        else
        {
            _cancellers.Add((id, client));
            _watch.Cancel();
        }
    }

    /// <summary>Gives up a move that began before its VM's actor did and so has lost its source, unless the target has
    /// already taken the VM.</summary>
    /// <returns>False where it has.</returns>
    public async Task<bool> EndOldAsync(CancellationToken stop) =>
        session.State.Move is not { } move
        || await StepAsync(new VmMessage.AbortMove(move.Migration, "The actor of the VM began anew."), stop)
            is MoveStep.Done;

    /// <summary>The move is over.</summary>
    /// <param name="outcome">Null where this node has lost the VM: then whoever has it is asked again.</param>
    /// <returns>Who waits for its outcome, and what each is told; null: to ask the next owner.</returns>
    public ImmutableArray<(ActorRef? Client, ControlReply? Reply)> Close(MigrationOutcome? outcome)
    {
        ControlReply? reply = outcome is null ? null : ReplyOf(outcome);
        ControlReply? cancelled = outcome switch
        {
            MigrationOutcome.Moved moved => new ControlReply.Refused(NothingToCancel(
                $"it over; {session.State.Vm} is on {moved.Report.To}")),
            MigrationOutcome.NotMoved => new ControlReply.Done(CancelledSentence),
            _ => null,
        };
        ImmutableArray<(ActorRef?, ControlReply?)> waiting =
        [
            .. _clients.Select(client => (client, reply)),
            .. _cancellers.Select(canceller => (canceller.Client, cancelled)),
        ];
        _clients.Clear();
        _cancellers.Clear();
        _command = null;
        if (outcome is not null)
        {
            // Else the move still looks at it, for the last time.
            _watch?.Dispose();
        }

        _watch = null;
        return waiting;
    }

    private string CancelledSentence => $"{session.State.Vm} is not moved; it goes on on {services.Self}.";

    private Refusal NothingToCancel(string found) => new(
        RefusalKind.State, $"a move of {session.State.Vm} to be under way", found, "Nothing has to be done.");

    public async Task<MoveStep> StepAsync(VmMessage step, CancellationToken stop)
    {
        LastSettled = default;
        return step switch
        {
            VmMessage.BeginMove begin => await BeginAsync(begin, stop),
            VmMessage.ListPages list => await ListAsync(list, stop),
            VmMessage.CopyPages => await CopyAsync(stop),
            VmMessage.Hold => await HoldAsync(stop),
            VmMessage.CopyRest => CopyRest(),
            VmMessage.MakeDurable => await MakeDurableAsync(stop),
            VmMessage.AbortMove abort => await AbortAsync(abort, stop),
            _ => throw new UnreachableException(step.GetType().Name),
        };
    }

    private async Task<MoveStep> BeginAsync(VmMessage.BeginMove begin, CancellationToken stop)
    {
        LastSettled = await session.SettleAsync(withMemory: false, stop);
        if (LastSettled.IsLost)
        {
            return new MoveStep.Lost();
        }

        return await JournalAsync(
            new VmCommand.BeginMove(begin.Migration, begin.To),
            commit => commit.OnRows(write => write.BeginMove(begin.Migration, begin.To)),
            stop);
    }

    private async Task<MoveStep> ListAsync(VmMessage.ListPages list, CancellationToken stop)
    {
        LastSettled = await session.EndSliceAsync(stop);
        if (LastSettled.IsLost)
        {
            return new MoveStep.Lost();
        }

        int pages = await session.Slices.BorrowAsync(
            guest =>
            {
                // What is written from here on is in the log, and so in a later round, whether it was copied or not.
                ImmutableArray<int> written = guest.TakeDirty(DirtyReader.Migration);
                _pages.Clear();
                _unseen = list.IsFirst ? guest.PageCount : 0;
                foreach (int page in list.IsFirst ? [] : written)
                {
                    _pages.Enqueue(page);
                }

                return _pages.Count + _unseen;
            },
            stop);
        return new MoveStep.Listed(pages);
    }

    private async Task<MoveStep> CopyAsync(CancellationToken stop)
    {
        LastSettled = await session.EndSliceAsync(stop);
        if (LastSettled.IsLost)
        {
            return new MoveStep.Lost();
        }

        CopiedPages pages = await session.Slices.BorrowAsync(TakePages, stop);
        return new MoveStep.Copied(pages, _pages.Count + _unseen);
    }

    private CopiedPages TakePages(IGuest guest)
    {
        CopiedPages copied = new(PagesCopiedMax);
        int lookedAt = 0;
        for (; _unseen > 0 && copied.Count < PagesCopiedMax && lookedAt < PagesLookedAtMax; lookedAt++)
        {
            // The target has nothing of it yet.
            copied.Add(guest, guest.PageCount - _unseen, skipsZero: true);
            _unseen--;
        }

        while (copied.Count < PagesCopiedMax && _pages.TryDequeue(out int page))
        {
            copied.Add(guest, page, skipsZero: false);
        }

        return copied;
    }

    private async Task<MoveStep> HoldAsync(CancellationToken stop)
    {
        bool ran = session.State.Lifecycle == VmLifecycle.Running;
        session.IsHeld = true;
        long heldAt = services.Clock.GetTimestamp();
        (LastSettled, ImmutableArray<CapturedPage> pages) = await session.StandStillAsync(
            guest => _pages.Union(guest.TakeDirty(DirtyReader.Migration)), stop);
        if (LastSettled.IsLost)
        {
            return new MoveStep.Lost();
        }

        return session.State.End is { } end
            ? new MoveStep.Refused(new Refusal(
                RefusalKind.State,
                $"the guest of {session.State.Vm} to outlive its move",
                $"its end: {end.Describe()}",
                "Nothing has to be done."))
            : new MoveStep.Held(session.Guest.VmTime, ran ? StandsStillSince(heldAt) : null, pages);
    }

    /// <summary>A guest that rested, or waited for a commit, before it was held lost nothing by the move until
    /// then.</summary>
    private long StandsStillSince(long heldAt) =>
        session.StoodStillAt is { } endedAt && endedAt > heldAt ? endedAt : heldAt;

    private MoveStep.Rest CopyRest()
    {
        CapturedProgress progress = session.LastProgress
            ?? throw new InvalidOperationException("Expected a Progress of the guest that stands still, found none.");
        VmCommit.Prepared last = VmCommit.On(session.Rows)
            .Add(session.Rows.Own.Stream, session.Guest.VmTime, SliceJournal.ProgressOf(progress))
            .Build();
        _last = (session.Rows, last);
        return new MoveStep.Rest(
            progress.Machine,
            progress.State,
            progress.Memory ?? throw new InvalidOperationException("Expected the memory's sum, found none."),
            session.Output.Tail(),
            [.. last.After.All.Select(row => new StreamHead(row.Stream, row.HeadSeq, row.HeadHash))]);
    }

    private async Task<MoveStep> MakeDurableAsync(CancellationToken stop)
    {
        (VmRows Rows, VmCommit.Prepared Commit)? last = _last;
        _last = null;
        if (session.IsLost)
        {
            return new MoveStep.Lost();
        }

        // Something else of the VM may have been journaled in between. Then the target has other heads.
        return last is not { } prepared || !ReferenceEquals(prepared.Rows, session.Rows)
            ? new MoveStep.Refused(new Refusal(
                RefusalKind.State,
                $"the journal of {session.State.Vm} to end where its guest was copied",
                "more behind it",
                "Start the move again."))
            : await session.CommitAsync(prepared.Commit, stop) ? new MoveStep.Done() : new MoveStep.Lost();
    }

    private async Task<MoveStep> AbortAsync(VmMessage.AbortMove abort, CancellationToken stop)
    {
        if (session.IsLost)
        {
            return new MoveStep.Lost();
        }

        LastSettled = await session.SettleAsync(withMemory: false, stop);
        if (LastSettled.IsLost)
        {
            return new MoveStep.Lost();
        }

        MoveStep step = session.State.Move is null
            ? new MoveStep.Done()
            : await JournalAsync(
                new VmCommand.AbortMove(abort.Migration, abort.Reason),
                commit => commit.OnRows(static write => write.AbortMove()).Answer(CancellersReply()),
                stop);
        session.IsHeld = step is not MoveStep.Done;
        return step;
    }

    private async Task<MoveStep> JournalAsync(
        VmCommand command, Func<VmCommit, VmCommit> change, CancellationToken stop)
    {
        switch (VmDecider.Decide(session.State, command))
        {
            case VmDecision.Refused refused:
                return new MoveStep.Refused(refused.Why);
            case VmDecision.Accepted accepted:
                var commit = VmCommit.On(session.Rows);
                foreach (JournalEvent journalEvent in accepted.VmEvents)
                {
                    // The vCPUs' streams tell the same: VmEvents and VcpuEvents of a move are one list.
                    commit.AddToAll(session.Guest.VmTime, journalEvent);
                }

                return await session.CommitAsync(change(commit).Build(), stop)
                    ? new MoveStep.Done()
                    : new MoveStep.Lost();
            default:
                throw new UnreachableException(command.GetType().Name);
        }
    }

    /// <summary>For a retry of the command that cancelled the move; the abort is its only commit.</summary>
    private DedupEntry? CancellersReply() => _cancellers.Count == 0
        ? null
        : ReplyCodec.Entry(session.State.Vm.Stream, _cancellers[0].Id, CancelledSentence);
}
