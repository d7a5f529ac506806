// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using KvmActors.Machine.Time;
using KvmActors.Persistence;

namespace KvmActors.Host.Node;

/// <summary>A thread for the slices of one VM, so that a guest never occupies the executor of the actors.</summary>
/// <remarks>Ends when disposed of; a slice under way goes on to its end.</remarks>
internal sealed class GuestThread : ISliceRunner, IDisposable
{
    // It waits without spinning: the next slice of a guest that rests is a long way off, and there may be a thousand.
    private readonly AutoResetEvent _wanted = new(initialState: false);
    private readonly Lock _lock = new();
    private Work? _work;
    private bool _isDisposed;

    public GuestThread(VmId vm)
    {
        Thread thread = new(Loop) { IsBackground = true, Name = $"vm {vm}" };
        thread.Start();
    }

    private Work? Wanted
    {
        get
        {
            lock (_lock)
            {
                return _work;
            }
        }
    }

    /// <summary>Disposed of, and nothing is left to do: nobody sets the event any more.</summary>
    private bool IsOver
    {
        get
        {
            lock (_lock)
            {
                return _isDisposed && _work is null;
            }
        }
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
            _wanted.Set();
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
                _wanted.Set();
            }
        }
    }

    private void Loop()
    {
        while (true)
        {
            _wanted.WaitOne();
            if (Wanted is { } work)
            {
                Compute(work);
            }

            if (IsOver)
            {
                _wanted.Dispose();
                return;
            }
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
