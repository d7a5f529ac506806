// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Persistence;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Actors.Vm;

/// <summary>Removes a VM from the store, by its rows.</summary>
internal static class VmDeletion
{
    /// <param name="rows">All of the VM, as their owner knows them.</param>
    /// <param name="retryAfter">Wait between two tries on a store that does not answer.</param>
    /// <returns>Done, or Refused: then it is there as before, or another node has it. It does not come back before one
    /// of the two is so: a deletion that comes late must not find the VM in service.</returns>
    /// <exception cref="OperationCanceledException">The outcome is unknown.</exception>
    public static async Task<ControlReply> RunAsync(
        IStore store, IReadOnlyList<StreamRow> rows, TimeProvider clock, TimeSpan retryAfter, CancellationToken stop)
    {
        VmId vm = rows[0].Stream.Vm;
        bool someTryIsOpen = false;
        while (true)
        {
            try
            {
                CommitResult result = await store.DeleteAsync(rows, stop);
                return result is CommitResult.Committed || (someTryIsOpen && IsGone(result, rows[0]))
                    ? new ControlReply.Done($"{vm} is deleted.")
                    : new ControlReply.Refused(new Refusal(
                        RefusalKind.Unavailable,
                        $"{vm} to be as its owner knows it",
                        "it changed meanwhile",
                        "Send it again in a moment."));
            }
            catch (StoreUnavailableException failure)
            {
                someTryIsOpen |= failure.Outcome == CommitOutcome.Unknown;
                if (!someTryIsOpen)
                {
                    return new ControlReply.Refused(Refusals.StoreAway(failure));
                }
            }

            await clock.DelayAsync(retryAfter, stop);
        }
    }

    /// <summary>An earlier try has landed. What has the name by now, if anything, is another VM: rows under this epoch
    /// are written by nobody else, and epochs only grow.</summary>
    private static bool IsGone(CommitResult result, StreamRow known) => result switch
    {
        CommitResult.Missing => true,
        CommitResult.Mismatch => known.Owner is not null,
        CommitResult.Fenced fenced => !(fenced.Current.Epoch > known.Epoch),
        _ => false,
    };
}
