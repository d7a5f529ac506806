// SPDX-License-Identifier: Apache-2.0

using KvmActors.Machine.Time;

namespace KvmActors.Actors.Kernel;

/// <summary>Where the slices of one running VM are computed. Host: one runner thread per running VM, so that a guest
/// never occupies the executor. Simulation: inline, on the seeded thread.</summary>
/// <remarks>One slice at a time. The state that the slice works on is lent until the task completes: nobody else may
/// touch it. Continuations never run on the runner's thread.</remarks>
public interface ISliceRunner
{
    /// <param name="slice">Computes at most one slice (10 ms of wall time) and returns what it did.</param>
    /// <param name="cancellationToken">Cancels a slice that has not begun. One that runs goes on to its end.</param>
    /// <returns>What <paramref name="slice"/> returned, or its exception.</returns>
    Task<SliceResult> RunAsync(Func<SliceResult> slice, CancellationToken cancellationToken);
}
