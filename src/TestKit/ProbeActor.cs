// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;

namespace KvmActors.TestKit;

/// <summary>The actor behind a <see cref="TestProbe"/>.</summary>
internal sealed class ProbeActor(ProbeInbox inbox) : Actor
{
    public override ValueTask ReceiveAsync(object message)
    {
        if (message is WatchThis watch)
        {
            Context.Watch(watch.Actor);
        }
        else
        {
            inbox.Add(new ProbeMessage(message, Context.Sender));
        }

        return ValueTask.CompletedTask;
    }

    internal sealed record WatchThis(ActorRef Actor);
}
