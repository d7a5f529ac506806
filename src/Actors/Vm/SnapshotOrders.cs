// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Persistence;

namespace KvmActors.Actors.Vm;

/// <summary>A client's order to take a snapshot of a settled VM: decide, capture, store the pages, journal, publish,
/// answer.</summary>
internal sealed class SnapshotOrders(VmServices services, VmSession session, VmAnswers answers, Action publish)
{
    /// <returns>False where another node has the VM.</returns>
    public async Task<bool> TakeAsync(CommandId id, ActorRef? client, CancellationToken stop)
    {
        if (VmDecider.Decide(session.State, new VmCommand.TakeSnapshot()) is VmDecision.Refused refused)
        {
            answers.Send(client, new ControlReply.Refused(refused.Why));
            return true;
        }

        ulong next = session.NextSnapshotId(session.Guest.InstructionsRetired);
        ControlReply.SnapshotTaken taken = new(session.State.Vm, next, session.Guest.VmTime, services.Self);
        try
        {
            if (!await session.TakeSnapshotAsync(ReplyCodec.Entry(session.Rows.Own.Stream, id, taken), stop))
            {
                answers.Refer(client);
                return false;
            }
        }
        catch (StoreUnavailableException failure)
        {
            answers.Send(client, new ControlReply.Refused(Refusals.StoreAway(failure)));
            return true;
        }

        publish();
        answers.Send(
            client,
            session.Rows.Own.SnapshotId == taken.Id
                ? taken
                : new ControlReply.Refused(Refusals.PagesCollected(session.State.Vm)));
        return true;
    }
}
