// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;

namespace KvmActors.Actors.Vm;

/// <summary>Clients' orders to a VM: settle, decide, journal, publish, answer.</summary>
/// <param name="publish">Shows the VM's state to readers. Before the answer, so that a client reads what it
/// wrote.</param>
internal sealed class VmOrders(VmServices services, VmSession session, VmAnswers answers, Action publish)
{
    /// <returns>False where another node has the VM.</returns>
    public async Task<bool> TakeAsync(VmMessage.Order order, ActorRef? client, CancellationToken stop)
    {
        if (await answers.FindStoredAsync(order.Id, stop) is { } stored)
        {
            answers.Send(client, stored);
            return true;
        }

        if (order.Command is VmCommand.Input input)
        {
            TakeInput(order.Id, input, client);
            return true;
        }

        SliceOutcome settled = await session.SettleAsync(withMemory: false, stop);
        if (settled.IsLost)
        {
            answers.Acknowledge(settled);
            answers.Refer(client);
            return false;
        }

        publish();
        answers.Acknowledge(settled);
        return order.Command switch
        {
            VmCommand.SetCpuid set =>
                await new CpuidOrders(services, session, answers, publish).TakeAsync(order.Id, set, client, stop),
            VmCommand.TakeSnapshot =>
                await new SnapshotOrders(services, session, answers, publish).TakeAsync(order.Id, client, stop),
            VmCommand.Delete delete => await DeleteAsync(order.Id, delete, client, stop),
            _ => await JournalAsync(order, client, stop),
        };
    }

    private async Task<bool> JournalAsync(VmMessage.Order order, ActorRef? client, CancellationToken stop)
    {
        VmDecision decision = VmDecider.Decide(session.State, order.Command);
        if (decision is VmDecision.Refused refused)
        {
            answers.Send(client, new ControlReply.Refused(refused.Why));
            return true;
        }

        var accepted = (VmDecision.Accepted)decision;
        StreamId own = session.Rows.Own.Stream;
        ControlReply.Done done = new(accepted.Reply);
        VmCommit commit = VmCommit.On(session.Rows).Answer(ReplyCodec.Entry(own, order.Id, done));
        foreach (JournalEvent journalEvent in accepted.VmEvents)
        {
            commit.Add(own, session.Guest.VmTime, journalEvent, order.Id);
        }

        if (!await session.CommitAsync(commit.Build(), stop))
        {
            answers.Refer(client);
            return false;
        }

        publish();
        answers.Send(client, done);
        return true;
    }

    /// <returns>True where it was refused: what is deleted is as lost as what another node has.</returns>
    private async Task<bool> DeleteAsync(
        CommandId id, VmCommand.Delete delete, ActorRef? client, CancellationToken stop)
    {
        if (VmDecider.Decide(session.State, delete) is VmDecision.Refused refused)
        {
            answers.Send(client, new ControlReply.Refused(refused.Why));
            return true;
        }

        ControlReply reply = await VmDeletion.RunAsync(
            services.Store, session.Rows.All, id, services.Clock, services.Options.StoreRetryAfter, stop);
        if (reply is ControlReply.Refused)
        {
            answers.Send(client, reply);
            return true;
        }

        // Whoever hears of it may make a VM of that name at once.
        services.Board.Remove(session.State.Vm);
        answers.Send(client, reply);
        return false;
    }

    private void TakeInput(CommandId id, VmCommand.Input input, ActorRef? client)
    {
        switch (VmDecider.Decide(session.State, input))
        {
            case VmDecision.Refused refused:
                answers.Send(client, new ControlReply.Refused(refused.Why));
                break;
            case VmDecision.Accepted accepted when session.Inputs.Contains(id)
                || !session.Inputs.TryAdd(new PendingInput(id, input.Bytes, accepted.Reply, client)):
                answers.Send(client, new ControlReply.Refused(Refusals.Overloaded("console input")));
                break;
            case VmDecision.Accepted:
                // Answered once the slice that it enters is durable.
                break;
        }
    }
}
