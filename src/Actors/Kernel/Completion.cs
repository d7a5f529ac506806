// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>An outcome that one part sets and others wait for, so that waiters continue on their own executor and never
/// inside the call that sets it. Any thread.</summary>
/// <remarks>A bare <see cref="TaskCompletionSource{T}"/> cannot do both. With RunContinuationsAsynchronously, what is
/// combined (WaitAsync, WhenAny, WhenAll) continues on the thread pool, and a simulation loses its single thread;
/// without it, a waiter on the thread pool runs inside the turn of whoever sets the outcome. So each waiter here gets a
/// task of its own that awaits the source.</remarks>
public sealed class Completion<T>
{
    private readonly TaskCompletionSource<T> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool IsCompleted => _source.Task.IsCompleted;

    /// <returns>False where there was an outcome already.</returns>
    public bool TrySet(T value) => _source.TrySetResult(value);

    /// <returns>False where there was an outcome already.</returns>
    public bool TryFail(Exception failure) => _source.TrySetException(failure);

    /// <returns>False where there was an outcome already.</returns>
    public bool TryCancel(CancellationToken token) => _source.TrySetCanceled(token);

    /// <summary>Completes with the outcome.</summary>
    public async Task<T> WaitAsync() => await _source.Task;
}
