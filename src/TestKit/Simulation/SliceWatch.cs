// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using KvmActors.Machine.Time;
using KvmActors.Persistence;

namespace KvmActors.TestKit.Simulation;

/// <summary>Knows for which VM the slice that runs now is computed: slices are, one at a time, on one thread.</summary>
internal sealed class SliceWatch(Action<VmId> onGuestRun)
{
    private VmId? _current;

    /// <summary>Called by a guest that is told to run.</summary>
    public void GuestRuns()
    {
        if (_current is { } vm)
        {
            onGuestRun(vm);
        }
    }

    public ISliceRunner Watch(VmId vm, ISliceRunner inner) => new WatchedRunner(this, vm, inner);

    private sealed class WatchedRunner(SliceWatch watch, VmId vm, ISliceRunner inner) : ISliceRunner
    {
        public Task<SliceResult> RunAsync(Func<SliceResult> slice, CancellationToken cancellationToken) =>
            inner.RunAsync(
                () =>
                {
                    watch._current = vm;
                    try
                    {
                        return slice();
                    }
                    finally
                    {
                        watch._current = null;
                    }
                },
                cancellationToken);
    }
}
