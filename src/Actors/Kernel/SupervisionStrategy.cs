// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>A parent's rule for a child that fails.</summary>
/// <param name="Decide">From the failure to the decision. Pure; runs in the parent's turn.</param>
/// <param name="RestartsMax">Restarts allowed within <paramref name="Window"/>; one more stops the child.</param>
/// <param name="Window">What counts as "in a row". After a window without a failure, the backoff starts anew
/// too.</param>
/// <param name="BackoffMin">Wait before the first restart of a row; doubled for each further one. Zero: at
/// once.</param>
/// <param name="BackoffMax">The longest wait.</param>
public sealed record SupervisionStrategy(
    Func<Exception, SupervisionDirective> Decide,
    int RestartsMax,
    TimeSpan Window,
    TimeSpan BackoffMin,
    TimeSpan BackoffMax)
{
    /// <summary>Restart after 100 ms, 200 ms, … 10 s; at most 10 times a minute.</summary>
    public static SupervisionStrategy Default { get; } = new(
        static _ => SupervisionDirective.Restart,
        RestartsMax: 10,
        Window: TimeSpan.FromMinutes(1),
        BackoffMin: TimeSpan.FromMilliseconds(100),
        BackoffMax: TimeSpan.FromSeconds(10));

    /// <summary>Any failure stops the child: for actors whose owner rebuilds them from what is durable.</summary>
    public static SupervisionStrategy AlwaysStop { get; } =
        Default with { Decide = static _ => SupervisionDirective.Stop };

    /// <summary>Any failure fails the parent.</summary>
    public static SupervisionStrategy AlwaysEscalate { get; } =
        Default with { Decide = static _ => SupervisionDirective.Escalate };

    /// <summary>The wait before restart number <paramref name="restart"/> of a row, counted from 1.</summary>
    public TimeSpan BackoffBefore(int restart)
    {
        TimeSpan wait = BackoffMin;
        for (int doubled = 1; doubled < restart; doubled++)
        {
            if (wait >= BackoffMax)
            {
                break;
            }

            wait += wait;
        }

        return wait < BackoffMax ? wait : BackoffMax;
    }
}
