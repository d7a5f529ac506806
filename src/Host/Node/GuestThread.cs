// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using KvmActors.Machine.Time;
using KvmActors.Persistence;

namespace KvmActors.Host.Node;

/// <summary>A thread for the slices of one VM, so that a guest never occupies the executor of the actors.</summary>
/// <remarks>Ends when disposed of; a slice under way goes on to its end.</remarks>
internal sealed class GuestThread : ISliceRunner, IDisposable
{
    private readonly SemaphoreSlim _wanted = new(initialCount: 0);
    private readonly Lock _lock = new();
    private Work? _work;
    private bool _isDisposed;

    public GuestThread(VmId vm)
    {
        Thread thread = new(Loop) { IsBackground = true, Name = $"vm {vm}" };
        thread.Start();
    }

    /// <exception cref="InvalidOperationException">A slice is under way already.</exception>
    /// <exception cref="ObjectDisposedException">The VM was given up.</exception>
    public Task<SliceResult> RunAsync(Func<SliceResult> slice, CancellationToken cancellationToken)
    {
        Work work = new(slice, cancellationToken);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_work is not null)
            {
                throw new InvalidOperationException("Expected one slice at a time, found another under way.");
            }

            _work = work;
            _wanted.Release();
        }

        return work.Result.Task;
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (!_isDisposed)
            {
                _isDisposed = true;
                _wanted.Release();
            }
        }
    }

    private void Loop()
    {
        while (true)
        {
            _wanted.Wait();
            Work? work;
            lock (_lock)
            {
                work = _work;
            }

            if (work is null)
            {
                _wanted.Dispose();
                return;
            }

            Compute(work);
        }
    }

    private void Compute(Work work)
    {
        try
        {
            work.CancellationToken.ThrowIfCancellationRequested();
            SliceResult result = work.Slice();
            Finished();
            work.Result.SetResult(result);
        }
        catch (OperationCanceledException) when (work.CancellationToken.IsCancellationRequested)
        {
            Finished();
            work.Result.SetCanceled(work.CancellationToken);
        }
        catch (Exception fault)
        {
            Finished();
            work.Result.SetException(fault);
        }
    }

    /// <summary>Before the answer: whoever gets it may ask for the next slice at once.</summary>
    private void Finished()
    {
        lock (_lock)
        {
            _work = null;
        }
    }

    private sealed record Work(Func<SliceResult> Slice, CancellationToken CancellationToken)
    {
        public TaskCompletionSource<SliceResult> Result { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
