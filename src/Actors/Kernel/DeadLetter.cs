// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>A message that was handled by nobody.</summary>
/// <param name="Recipient">Null where a reply had no address.</param>
public sealed record DeadLetter(ActorRef? Recipient, ActorRef? Sender, object Message, DeadLetterReason Reason);
