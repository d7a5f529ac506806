// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>The parent's side of a failure. Runs in the parent's turn.</summary>
internal static class Supervision
{
    /// <summary>Decides about a child by its strategy, and tells it.</summary>
    /// <returns>What the parent fails of in the child's place; null where it does not.</returns>
    public static ChildFailedException? Apply(SystemMessage.ChildFailed failed)
    {
        ActorCell child = failed.Child;
        (SupervisionDirective directive, TimeSpan backoff) = Decide(failed);
        child.System.Report(new KernelEvent.Decided(child.Path, directive, backoff));
        switch (directive)
        {
            case SupervisionDirective.Restart:
                child.PostSystem(new SystemMessage.Restart(failed.Cause, backoff));
                return null;
            case SupervisionDirective.Resume:
                child.PostSystem(new SystemMessage.Resume());
                return null;
            case SupervisionDirective.Stop:
                child.RequestStop();
                return null;
            case SupervisionDirective.Escalate:
                child.RequestStop();
                return new ChildFailedException(child.Path, failed.Cause);
            default:
                throw new InvalidOperationException(
                    $"The strategy of {child.Path} decided {directive}, which is no directive.");
        }
    }

    private static (SupervisionDirective Directive, TimeSpan Backoff) Decide(SystemMessage.ChildFailed failed)
    {
        ActorCell child = failed.Child;
        SupervisionStrategy strategy = child.Props.Supervision;
        SupervisionDirective wanted = strategy.Decide(failed.Cause);
        bool isRestart = wanted == SupervisionDirective.Restart
            || (wanted == SupervisionDirective.Resume && !failed.HasStarted);
        if (!isRestart)
        {
            return (wanted, TimeSpan.Zero);
        }

        if (child.Restarts.Next(strategy, child.System.Clock) is { } restart)
        {
            return (SupervisionDirective.Restart, strategy.BackoffBefore(restart));
        }

        child.System.Report(new KernelEvent.RestartsExhausted(child.Path, strategy.RestartsMax, strategy.Window));
        return (SupervisionDirective.Stop, TimeSpan.Zero);
    }
}
