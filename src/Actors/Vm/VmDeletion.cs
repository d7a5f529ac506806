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
    /// <param name="id">The command's. The reply is kept beyond the VM, for a client that asks again.</param>
    /// <param name="retryAfter">Wait between two tries on a store that does not answer.</param>
    /// <returns>Done, or Refused: then it is there as before, or another node has it. It does not come back before one
    /// of the two is so: a deletion that comes late must not find the VM in service.</returns>
    /// <exception cref="OperationCanceledException">The outcome is unknown.</exception>
    public static async Task<ControlReply> RunAsync(
        IStore store,
        IReadOnlyList<StreamRow> rows,
        CommandId id,
        TimeProvider clock,
        TimeSpan retryAfter,
        CancellationToken stop)
    {
        VmId vm = rows[0].Stream.Vm;
        ControlReply.Done done = new($"{vm} is deleted.");
        bool someTryIsOpen = false;
        while (true)
        {
            try
            {
                return await store.DeleteAsync(rows, ReplyCodec.Entry(vm.Stream, id, done), stop) switch
                {
                    CommitResult.Committed => done,
                    // An earlier try of this call may be it.
                    CommitResult.Duplicate duplicate => ReplyCodec.Decode(duplicate.Entry),
                    _ => new ControlReply.Refused(new Refusal(
                        RefusalKind.Unavailable,
                        $"{vm} to be as its owner knows it",
                        "it changed meanwhile",
                        "Send it again in a moment.")),
                };
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
}
