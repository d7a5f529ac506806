// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>A watched actor has stopped: delivered once per watch, on the control lane. See
/// <see cref="IActorContext.Watch"/>.</summary>
public sealed record Terminated(ActorRef Actor);
