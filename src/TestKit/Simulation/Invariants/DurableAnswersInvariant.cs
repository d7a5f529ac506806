// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Persistence;

namespace KvmActors.TestKit.Simulation.Invariants;

/// <summary>I2: what was acknowledged is in the journal, and in every later recovery.</summary>
internal sealed class DurableAnswersInvariant(ClusterLedger ledger)
    : Invariant("I2", "what was acknowledged is in the journal, and in every later recovery")
{
    public override void OnAnswer(ClientQuestion question, ControlReply reply)
    {
        CommandId? command = question.Request switch
        {
            ControlRequest.CreateVm create when reply is ControlReply.Done => create.Id,
            ControlRequest.Order order when reply is ControlReply.Done => order.Id,
            ControlRequest.MigrateVm move when reply is ControlReply.Migrated => move.Id,
            ControlRequest.MigrateVcpu move when reply is ControlReply.Migrated => move.Id,
            _ => null,
        };
        if (command is { } id && ledger.TimesApplied(id) == 0)
        {
            Break($"{question.Node} acknowledged {id}, which is not in the journal.");
        }
    }

    public override void OnEvent(string node, ClusterEvent happened)
    {
        if (happened is ClusterEvent.VmRebuilt rebuilt
            && ledger.Row(rebuilt.Vm.Stream)?.Epoch == rebuilt.Epoch
            && ledger.LastVmTime(rebuilt.Vm) != rebuilt.VmTime)
        {
            Break($"{node} rebuilt {rebuilt.Vm} up to VM time {rebuilt.VmTime} of {ledger.LastVmTime(rebuilt.Vm)}.");
        }
    }
}
