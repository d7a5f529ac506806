// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Vm;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Membership;

namespace KvmActors.Actors.Migration;

/// <summary>The pre-flight of a move, asked for alone: by what the VM's owner publishes, and by what the target says.
/// Nothing is journaled, and nothing is kept for the guest.</summary>
internal static class MovePreflight
{
    /// <param name="vm">As its owner, the node that asks, publishes it.</param>
    /// <exception cref="LinkException">The target gave no answer.</exception>
    public static async Task<ControlReply> CheckAsync(
        VmServices services, VmStatus vm, NodeRow target, CancellationToken stop)
    {
        if (vm.Spec is not { } spec || vm.Machine is not { } machine)
        {
            return new ControlReply.Refused(Refusals.BeingRebuilt(vm.Vm));
        }

        ImmutableArray<Refusal> missing = [.. HereMissing(vm, services.Self, target.Id)];
        if (target.Id != services.Self)
        {
            MigrationKey key = new(vm.Vm, new MigrationId($"{vm.Vm}-check"), vm.Epoch, services.Self);
            MigrationMessage.Check check = new(
                key, services.Guests.Engine, spec.MemoryBytes, GuestCpuid.Of(machine));
            missing = missing.AddRange(
                await LinkCalls.SendAsync(services, target.Endpoint, check, stop) switch
                {
                    MigrationAnswer.Checked answer => answer.Missing,
                    MigrationAnswer.Refused refused => [refused.Why],
                    _ => [],
                });
        }

        return new ControlReply.MoveChecked(vm.Vm, services.Self, target.Id, missing);
    }

    private static IEnumerable<Refusal> HereMissing(VmStatus vm, NodeId self, NodeId target)
    {
        if (target == self)
        {
            yield return new Refusal(
                RefusalKind.State,
                $"a target other than the node of {vm.Vm}",
                $"{self}",
                "It already runs there; nothing has to be done.");
        }

        if (vm.MovingTo is { } to)
        {
            yield return new Refusal(
                RefusalKind.Busy, $"no move of {vm.Vm} to be under way", $"one to {to}", "Wait until it is over.");
        }

        if (vm.Lifecycle is VmLifecycle.Ended or VmLifecycle.Quarantined)
        {
            yield return new Refusal(
                RefusalKind.State,
                $"{vm.Vm} to be Created, Running, Paused or Stopped to be moved",
                $"{vm.Lifecycle}",
                "A VM that came to its end runs no further; create another one.");
        }
    }
}
