// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>What cells say to each other. Taken before all else and never refused: their number is bounded by children
/// and watchers.</summary>
internal abstract record SystemMessage
{
    private SystemMessage()
    {
    }

    public sealed record Start : SystemMessage;

    public sealed record Stop : SystemMessage;

    public sealed record Resume : SystemMessage;

    public sealed record Restart(Exception Cause, TimeSpan Backoff) : SystemMessage;

    public sealed record BackoffOver(int Incarnation) : SystemMessage;

    public sealed record ChildFailed(ActorCell Child, Exception Cause, bool HasStarted) : SystemMessage;

    public sealed record ChildStopped(ActorCell Child) : SystemMessage;

    public sealed record AddWatcher(ActorCell Watcher) : SystemMessage;

    public sealed record RemoveWatcher(ActorCell Watcher) : SystemMessage;
}
