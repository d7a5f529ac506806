// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Persistence;
using KvmActors.Persistence.Journal;

namespace KvmActors.Actors.Vm;

/// <summary>How a VM actor answers its clients.</summary>
internal sealed class VmAnswers(VmServices services, VmId vm)
{
    /// <summary>The gate is looked at on the answer's own path: see <see cref="LeaseGate"/>.</summary>
    public void Send(ActorRef? client, ControlReply reply) => client?.Tell(
        services.Gate.IsOpen ? reply : new ControlReply.Refused(Refusals.LeaseOver(services.Self)));

    /// <summary>Sends a client on to whoever has the VM by now.</summary>
    public void Refer(ActorRef? client) => client?.Tell(NotOwner());

    public ControlReply.NotOwner NotOwner() => new(vm, Owner: null, Epoch.First);

    /// <summary>Answers the input that a slice took, now that the slice is durable or lost.</summary>
    public void Acknowledge(SliceOutcome outcome)
    {
        if (outcome.Answered is not { } input)
        {
            return;
        }

        if (outcome.IsLost)
        {
            Refer(input.Sender);
        }
        else
        {
            Send(input.Sender, new ControlReply.Done(input.Reply));
        }
    }

    /// <returns>The kept reply to a command that was handled before, a refusal if nobody can tell, or null.</returns>
    public async Task<ControlReply?> FindStoredAsync(CommandId id, CancellationToken stop)
    {
        try
        {
            DedupEntry? stored = await services.Store.FindReplyAsync(vm.Stream, id, stop);
            return stored is null ? null : ReplyCodec.Decode(stored);
        }
        catch (StoreUnavailableException failure)
        {
            return new ControlReply.Refused(Refusals.StoreAway(failure));
        }
    }
}
