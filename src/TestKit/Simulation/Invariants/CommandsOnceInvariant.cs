// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Persistence;
using KvmActors.Persistence.Journal;

namespace KvmActors.TestKit.Simulation.Invariants;

/// <summary>I3: a command takes effect in one commit at most, and all its answers are the same.</summary>
internal sealed class CommandsOnceInvariant(ClusterLedger ledger)
    : Invariant("I3", "a command takes effect once, and every retry has the same answer")
{
    private readonly Dictionary<CommandId, string> _answers = [];

    public override void OnCommit(NodeId? writer, StoreTransaction transaction)
    {
        if (transaction.Dedup is { } dedup && ledger.TimesApplied(dedup.Command) > 0)
        {
            Break($"{writer} applied {dedup.Command} again.");
        }
    }

    public override void OnDeleted(VmId vm, CommandId command)
    {
        if (ledger.TimesApplied(command) > 0)
        {
            Break($"{vm} was deleted by {command} again.");
        }
    }

    public override void OnAnswer(ClientQuestion question, ControlReply reply)
    {
        if (question.Request is not ControlRequest.Order order
            || reply is not ControlReply.Done done)
        {
            return;
        }

        if (!_answers.TryAdd(order.Id, done.Text) && _answers[order.Id] != done.Text)
        {
            Break($"{question.Node} answered {order.Id} with \"{done.Text}\"; before it was "
                + $"\"{_answers[order.Id]}\".");
        }
    }

    public override void OnTailLost() => _answers.Clear();
}
