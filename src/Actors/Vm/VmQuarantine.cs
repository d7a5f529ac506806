// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Actors.Vm;

/// <summary>Takes a VM out of service, and gives it back: nobody owns its rows meanwhile, so that nobody runs or claims
/// it until an operator has decided.</summary>
internal static class VmQuarantine
{
    /// <summary>Takes a VM out of service that this node cannot rebuild, unless it is another's by now.</summary>
    public static Task PutAsync(VmServices services, VmRows rows, string reason, CancellationToken stop) => PutAsync(
        services,
        rows.Vm,
        reason,
        stored => Task.FromResult(stored[0].Owner == rows.Own.Owner && stored[0].Epoch == rows.Epoch),
        stop);

    /// <summary>Takes a VM out of service of which the store has forgotten something, whoever owns it by the rows that
    /// are left; unless it was deleted meanwhile, and another one has its name.</summary>
    /// <param name="birth">Hash of the VM's first record; null where it is not known.</param>
    public static Task PutAsync(
        VmServices services, TailLostException lost, Digest? birth, CancellationToken stop) => PutAsync(
        services,
        lost.Known.Stream.Vm,
        lost.Message,
        async stored => LostTail.IsBehind(
                lost.Known, stored.FirstOrDefault(row => row.Stream == lost.Known.Stream))
            && (birth is null || birth == await ReadBirthAsync(services.Store, stored[0].Stream, stop)),
        stop);

    /// <remarks>Goes on until the rows say so, or the reason is gone: the VM must not be run by whoever claims it next.
    /// </remarks>
    /// <exception cref="OperationCanceledException">This node stops; it is as the rows are.</exception>
    private static async Task PutAsync(
        VmServices services,
        VmId vm,
        string reason,
        Func<IReadOnlyList<StreamRow>, Task<bool>> applies,
        CancellationToken stop)
    {
        bool isTold = false;
        while (true)
        {
            try
            {
                IReadOnlyList<StreamRow> stored = await services.Store.ReadLockedAsync(vm, stop);
                if (stored.Count == 0
                    || stored[0].State == StreamRowState.Quarantined
                    || !await applies(stored))
                {
                    return;
                }

                if (!isTold)
                {
                    services.Observer.On(new ClusterEvent.VmQuarantined(vm, reason));
                    isTold = true;
                }

                if (await TryPutAsync(services.Store, VmRows.Of(stored), reason, stop))
                {
                    return;
                }
            }
            catch (StoreUnavailableException failure)
            {
                services.Observer.On(new ClusterEvent.StoreTrouble($"quarantine of {vm}", failure.Message));
            }

            await services.Clock.DelayAsync(services.Options.StoreRetryAfter, stop);
        }
    }

    /// <summary>Gives a VM that is in quarantine to whichever node fits. Not started. One that is in service stays as
    /// it is.</summary>
    /// <exception cref="StoreUnavailableException">It may be released or not.</exception>
    public static async Task<ControlReply> ReleaseAsync(IStore store, VmId vm, CancellationToken stop)
    {
        IReadOnlyList<StreamRow> stored = await store.ReadLockedAsync(vm, stop);
        if (stored.Count == 0)
        {
            return new ControlReply.Refused(
                new Refusal(RefusalKind.NotFound, $"a VM named {vm}", "none", "Look at: vm list."));
        }

        if (stored[0].State != StreamRowState.Quarantined)
        {
            return new ControlReply.Done($"{vm} is in service.");
        }

        VmCommit.Prepared commit = VmCommit.On(VmRows.Of(stored)).OnRows(static write => write.Release()).Build();
        return await store.CommitAsync(commit.Transaction, stop) is CommitResult.Committed
            ? new ControlReply.Done($"{vm} is released: a node that fits claims it.")
            : new ControlReply.Refused(new Refusal(
                RefusalKind.Unavailable,
                $"{vm} to stay as it was read",
                "it changed meanwhile",
                "Look at it with vm show, and send it again."));
    }

    /// <summary>Looks whether the store still has all of a VM that no commit is under way for.</summary>
    /// <exception cref="TailLostException">It has less than it had.</exception>
    public static async Task CheckTailAsync(VmServices services, VmSession session, CancellationToken stop)
    {
        if (session.IsHeld || session.IsLost)
        {
            // The target may have the VM by now: whoever ends the move compares the rows.
            return;
        }

        StreamRow known = session.Rows.Own;
        try
        {
            LostTail.ThrowIfBehind(known, await services.Store.FindAsync(known.Stream, stop));
        }
        catch (StoreUnavailableException failure)
        {
            services.Observer.On(new ClusterEvent.StoreTrouble($"look at the rows of {known.Stream}", failure.Message));
        }
    }

    /// <returns>The reason that its journal gives, or null where it is not in quarantine.</returns>
    public static async Task<string?> ReasonAsync(IStore store, StreamRow row, CancellationToken stop)
    {
        await foreach (JournalRecord record in store.ReadAsync(row.Stream, row.HeadSeq, row.HeadSeq, stop))
        {
            return record.Kind == EventKind.Quarantined
                ? ((JournalEvent.Quarantined)EventCodec.Decode(record)).Reason
                : null;
        }

        return null;
    }

    private static async Task<Digest?> ReadBirthAsync(IStore store, StreamId stream, CancellationToken stop)
    {
        await foreach (JournalRecord record in store.ReadAsync(stream, 1, 1, stop))
        {
            return record.Hash;
        }

        return null;
    }

    private static async Task<bool> TryPutAsync(IStore store, VmRows rows, string reason, CancellationToken stop)
    {
        ulong vmTime = await JournalTail.LastVmTimeAsync(store, rows, stop);
        VmCommit.Prepared commit = VmCommit.On(rows)
            .AddToAll(vmTime, new JournalEvent.Quarantined(reason))
            .OnRows(static write => write.Quarantine())
            .Build();
        return await store.CommitAsync(commit.Transaction, stop) is CommitResult.Committed;
    }
}
