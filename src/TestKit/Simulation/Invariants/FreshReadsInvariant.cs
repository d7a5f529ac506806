// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Vm;
using KvmActors.Persistence;

namespace KvmActors.TestKit.Simulation.Invariants;

/// <summary>I7: who asks for a VM sees all that some client knew when it asked: reads are linearizable.</summary>
internal sealed class FreshReadsInvariant(ClusterLedger ledger)
    : Invariant("I7", "no answer is older than its question")
{
    private readonly Dictionary<VmId, ulong> _known = [];

    /// <returns>VM time that some client knows to be durable.</returns>
    public ulong Known(VmId vm) => _known.GetValueOrDefault(vm);

    public override void OnAnswer(ClientQuestion question, ControlReply reply)
    {
        switch (reply)
        {
            case ControlReply.Shown { Status: { Owner: not null } status }:
                Compare(question, status);
                break;
            case ControlReply.Done when question.Request is ControlRequest.Order order:
                Learn(order.Vm, ledger.EffectOf(order.Id)?.VmTime ?? 0);
                break;
            default:
                break;
        }
    }

    public override void OnDeleted(VmId vm, CommandId command) => _known.Remove(vm);

    public override void OnTailLost() => _known.Clear();

    private void Compare(ClientQuestion question, VmStatus status)
    {
        if (question.EpochAtLeast is { } epoch && status.Epoch < epoch)
        {
            Break($"{question.Node} showed {status.Vm} as of epoch {status.Epoch} of {status.Owner}, and it was "
                + $"{epoch} before the question was asked.");
        }

        bool isOfItsOwner = status.Spec is not null;
        if (isOfItsOwner && status.DurableVmTime < question.DurableAtLeast)
        {
            Break($"{question.Node} showed {status.Vm} durable up to VM time {status.DurableVmTime}, and a client knew "
                + $"of {question.DurableAtLeast} before the question was asked.");
        }

        Learn(status.Vm, isOfItsOwner ? status.DurableVmTime : 0);
    }

    private void Learn(VmId vm, ulong vmTime)
    {
        // It may have been deleted, and made anew, while the answer was on its way.
        if (vmTime <= ledger.LastVmTime(vm))
        {
            _known[vm] = Math.Max(Known(vm), vmTime);
        }
    }
}
