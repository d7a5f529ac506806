// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>A message in a mailbox, and its link to the next one.</summary>
internal sealed class Envelope(object message, ActorRef? sender, Lane lane, EnvelopeOrigin origin)
{
    public object Message { get; } = message;

    public ActorRef? Sender { get; } = sender;

    public Lane Lane { get; } = lane;

    public EnvelopeOrigin Origin { get; } = origin;

    public Envelope? Next { get; set; }
}
