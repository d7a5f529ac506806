// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Simulation.Tests.Mutations;

/// <summary>For a gate that never finds its time over.</summary>
internal sealed class StoppedClock : TimeProvider
{
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => long.MinValue + 1;
}
