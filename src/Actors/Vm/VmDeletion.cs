// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Persistence;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Actors.Vm;

/// <summary>Removes a VM from the store, by its rows.</summary>
internal static class VmDeletion
{
    /// <param name="rows">All of the VM, as their owner knows them.</param>
    /// <returns>Done, or Refused: then it is there as before, or another node has it.</returns>
    public static async Task<ControlReply> RunAsync(
        IStore store, IReadOnlyList<StreamRow> rows, CancellationToken stop)
    {
        VmId vm = rows[0].Stream.Vm;
        try
        {
            return await store.DeleteAsync(rows, stop) is CommitResult.Committed
                ? Deleted(vm)
                : new ControlReply.Refused(new Refusal(
                    RefusalKind.Unavailable,
                    $"{vm} to be as its owner knows it",
                    "it changed meanwhile",
                    "Send it again in a moment."));
        }
        catch (StoreUnavailableException failure) when (failure.Outcome == CommitOutcome.NotCommitted)
        {
            return new ControlReply.Refused(Refusals.StoreAway(failure));
        }
        catch (StoreUnavailableException failure)
        {
            return await DecideAsync(store, vm, failure, stop);
        }
    }

    private static async Task<ControlReply> DecideAsync(
        IStore store, VmId vm, StoreUnavailableException failure, CancellationToken stop)
    {
        IReadOnlyList<StreamRow> left = await store.ReadLockedAsync(vm, stop);
        return left.Count == 0 ? Deleted(vm) : new ControlReply.Refused(Refusals.StoreAway(failure));
    }

    private static ControlReply.Done Deleted(VmId vm) => new($"{vm} is deleted.");
}
