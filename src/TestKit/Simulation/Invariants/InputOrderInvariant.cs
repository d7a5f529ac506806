// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Vm;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;

namespace KvmActors.TestKit.Simulation.Invariants;

/// <summary>I9: what one client types arrives in its order, also across moves and takeovers.</summary>
/// <remarks>Its commands are numbered, and it sends the next one once it knows of the last. A refusal speaks for one
/// try alone: where an earlier one got no answer and is still on its way, it may come in later, and out of
/// order.</remarks>
internal sealed class InputOrderInvariant() : Invariant("I9", "what one client types arrives in its order")
{
    private readonly Dictionary<(VmId Vm, string Client), ulong> _last = [];
    private readonly HashSet<CommandId> _refused = [];

    public override void OnCommit(NodeId? writer, StoreTransaction transaction)
    {
        foreach (JournalRecord record in transaction.Writes.SelectMany(write => write.Records))
        {
            if (record.Kind != EventKind.InputArrived
                || record.Command is not { } command
                || !ulong.TryParse(command.Command, out ulong number)
                || _refused.Contains(command))
            {
                continue;
            }

            (VmId Vm, string Client) key = (transaction.Vm, command.Client);
            if (_last.TryGetValue(key, out ulong before) && number <= before)
            {
                Break($"Input {number} of {command.Client} came to {transaction.Vm} behind input {before}.");
            }

            _last[key] = number;
        }
    }

    public override void OnAnswer(ClientQuestion question, ControlReply reply)
    {
        if (question.Request is ControlRequest.Order { Command: VmCommand.Input } order
            && reply is ControlReply.Refused { Why.Kind: not (RefusalKind.Unavailable or RefusalKind.Busy) })
        {
            _refused.Add(order.Id);
        }
    }

    public override void OnDeleted(VmId vm, CommandId command)
    {
        foreach ((VmId Vm, string Client) key in _last.Keys.Where(key => key.Vm == vm).ToArray())
        {
            _last.Remove(key);
        }
    }

    public override void OnTailLost() => _last.Clear();
}
