// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using KvmActors.Machine.Time;

namespace KvmActors.TestKit.Simulation;

/// <summary>Computes slices on the seeded thread, at once; then lets pass the virtual time that a processor of a given
/// speed would have taken.</summary>
/// <param name="tickNanoseconds">Virtual time of one tick of VM time.</param>
public sealed class InlineSliceRunner(TimeProvider clock, double tickNanoseconds) : ISliceRunner
{
    /// <summary>What handing a slice over and back costs.</summary>
    public static readonly TimeSpan HandOverCost = TimeSpan.FromMicroseconds(10);

    private ulong _vmTime;

    public async Task<SliceResult> RunAsync(Func<SliceResult> slice, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(slice);
        cancellationToken.ThrowIfCancellationRequested();
        ulong before = _vmTime;
        SliceResult result = slice();
        _vmTime = result.VmTime;
        double nanoseconds = before < result.VmTime && before > 0 ? (result.VmTime - before) * tickNanoseconds : 0;
        await clock.DelayAsync(HandOverCost + TimeSpan.FromMicroseconds(nanoseconds / 1000), CancellationToken.None);
        return result;
    }
}
