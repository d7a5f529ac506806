// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Time;

/// <summary>How far one slice may run. A slice is invisible to the guest.</summary>
/// <param name="UntilVmTime">The slice stops exactly here at the latest.</param>
/// <param name="ShouldYield">Polled every ten thousand instructions or so; true ends the slice. It holds the wall-clock
/// bound and the stop flag, so that Machine knows no clock. Called on the thread that runs the slice.</param>
public sealed record SliceLimits(ulong UntilVmTime, Func<bool> ShouldYield)
{
    /// <summary>How far VM time may go on while no vCPU can run. Where the next timer fires later, the slice stops
    /// there. Its default lets VM time jump from timer to timer.</summary>
    public ulong StandStillUntil { get; init; } = ulong.MaxValue;
}
