// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>A change in an actor's life that an operator may want to see.</summary>
public abstract record KernelEvent(string Actor)
{
    public sealed record Started(string Actor, int Restarts) : KernelEvent(Actor);

    /// <summary>A hook or a handler threw.</summary>
    public sealed record Failed(string Actor, Exception Cause) : KernelEvent(Actor);

    /// <summary>The parent's decision on a failure. <paramref name="Backoff"/> is zero but for a restart.</summary>
    public sealed record Decided(string Actor, SupervisionDirective Directive, TimeSpan Backoff) : KernelEvent(Actor);

    /// <summary>More restarts than allowed in the window; the actor is stopped.</summary>
    public sealed record RestartsExhausted(string Actor, int RestartsMax, TimeSpan Window) : KernelEvent(Actor);

    public sealed record Stopped(string Actor) : KernelEvent(Actor);
}
