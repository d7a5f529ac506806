// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Simulation.Tests.Mutations;

/// <summary>For a gate that closes too late: its clock is behind the one that renewals are dated by.</summary>
internal sealed class LateClock(TimeProvider clock) : TimeProvider
{
    private static readonly TimeSpan s_behind = TimeSpan.FromSeconds(1.5);

    public override long TimestampFrequency => clock.TimestampFrequency;

    public override long GetTimestamp() =>
        clock.GetTimestamp() - (long)(s_behind.TotalSeconds * clock.TimestampFrequency);
}
