// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using KvmActors.Machine.Time;

namespace KvmActors.TestKit.Simulation;

/// <summary>Computes slices on the seeded thread, at once; then lets pass the virtual time that a processor of a given
/// speed would have taken.</summary>
/// <param name="tickNanoseconds">Virtual time of one instruction. A rest of the guest costs nothing.</param>
public sealed class InlineSliceRunner(TimeProvider clock, double tickNanoseconds) : ISliceRunner
{
    /// <summary>What handing a slice over and back costs.</summary>
    public static readonly TimeSpan HandOverCost = TimeSpan.FromMicroseconds(10);

    private ulong _instructions;

    public async Task<SliceResult> RunAsync(Func<SliceResult> slice, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(slice);
        cancellationToken.ThrowIfCancellationRequested();
        ulong before = _instructions;
        SliceResult result = slice();
        _instructions = result.InstructionsRetired;
        bool hasRun = before < result.InstructionsRetired && before > 0;
        double nanoseconds = hasRun ? (result.InstructionsRetired - before) * tickNanoseconds : 0;
        await clock.DelayAsync(HandOverCost + TimeSpan.FromMicroseconds(nanoseconds / 1000), CancellationToken.None);
        return result;
    }
}
