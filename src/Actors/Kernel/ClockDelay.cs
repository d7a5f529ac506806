// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>Waiting by a clock that a test can move.</summary>
public static class ClockDelay
{
    /// <summary>Completes after <paramref name="delay"/> by <paramref name="clock"/>.</summary>
    /// <exception cref="OperationCanceledException">Cancelled before.</exception>
    public static async Task DelayAsync(
        this TimeProvider clock, TimeSpan delay, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(clock);
        TaskCompletionSource elapsed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using ITimer timer = clock.CreateTimer(
            static state => ((TaskCompletionSource)state!).TrySetResult(), elapsed, delay, Timeout.InfiniteTimeSpan);
        using CancellationTokenRegistration cancellation = cancellationToken.UnsafeRegister(
            static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), elapsed);
        await elapsed.Task;
    }
}
