// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Persistence;

namespace KvmActors.Actors.Vcpu;

/// <summary>The vCPU actors of a VM, as their parent sees them: it sends clients on to them, and gives them back what
/// their streams say after each commit.</summary>
internal sealed class VcpuChildren
{
    private readonly IActorContext _vm;
    private readonly ImmutableArray<ActorRef> _vcpus;
    private ImmutableArray<VcpuActorState> _told;

    public VcpuChildren(IActorContext vm, IStore store, ImmutableArray<VcpuActorState> states)
    {
        _vm = vm;
        _told = states;
        ActorRef self = vm.Self;
        _vcpus =
        [
            .. states.Select(state => vm.Spawn(
                $"vcpu-{state.Index}", Props.Of(() => new VcpuActor(store, self, states.Length, state)))),
        ];
    }

    /// <summary>Sends the current message's content to a vCPU; its sender is answered.</summary>
    public void Forward(int index, VcpuMessage message)
    {
        if (index >= 0 && index < _vcpus.Length)
        {
            _vcpus[index].Tell(message, _vm.Sender);
            return;
        }

        _vm.Reply(new ControlReply.Refused(Refusals.NoSuchVcpu(index, _vcpus.Length)));
    }

    /// <summary>Tells each vCPU what is new in its stream.</summary>
    public void Tell(ImmutableArray<VcpuActorState> states)
    {
        for (int index = 0; index < states.Length; index++)
        {
            if (!ReferenceEquals(states[index], _told[index]))
            {
                _vcpus[index].Tell(new VcpuMessage.Journaled(states[index]), _vm.Self, Lane.Control);
            }
        }

        _told = states;
    }
}
