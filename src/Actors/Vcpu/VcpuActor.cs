// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Vm;
using KvmActors.Persistence;

namespace KvmActors.Actors.Vcpu;

/// <summary>One vCPU: takes the commands that are meant for it and decides on them by what its stream says. For a slice
/// it lends that state to its VM, which gives it back as journaled.</summary>
internal sealed class VcpuActor(IStore store, ActorRef vm, int vcpusOfVm, VcpuActorState initial) : Actor
{
    private VcpuActorState _state = initial;

    public override async ValueTask ReceiveAsync(object message)
    {
        switch ((VcpuMessage)message)
        {
            case VcpuMessage.Journaled journaled:
                _state = journaled.State;
                break;
            case VcpuMessage.Migrate migrate:
                await MigrateAsync(migrate);
                break;
            default:
                throw new UnreachableException(message.GetType().Name);
        }
    }

    private async Task MigrateAsync(VcpuMessage.Migrate migrate)
    {
        try
        {
            if (await store.FindReplyAsync(_state.Stream, migrate.Id, Context.Stopping) is { } stored)
            {
                Context.Reply(ReplyCodec.Decode(stored));
                return;
            }
        }
        catch (StoreUnavailableException failure)
        {
            Context.Reply(new ControlReply.Refused(Refusals.StoreAway(failure)));
            return;
        }

        switch (VcpuDecider.Decide(_state, new VcpuCommand.Migrate(migrate.Target.Id, vcpusOfVm)))
        {
            case VcpuDecision.AskVmToMove:
                vm.Tell(new VmMessage.Move(migrate.Id, _state.Stream, migrate.Target), Context.Sender);
                break;
            case VcpuDecision.Refused { Why.Kind: RefusalKind.Busy }:
                // The VM knows whether it is this very command that is under way.
                vm.Tell(new VmMessage.Move(migrate.Id, _state.Stream, migrate.Target), Context.Sender);
                break;
            case VcpuDecision.Refused refused:
                Context.Reply(new ControlReply.Refused(refused.Why));
                break;
        }
    }
}
