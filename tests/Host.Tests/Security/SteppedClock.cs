// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Tests.Security;

/// <summary>The machine's clock, set forward by what a test says.</summary>
internal sealed class SteppedClock : TimeProvider
{
    private long _aheadTicks;

    public void Advance(TimeSpan by) => Interlocked.Add(ref _aheadTicks, by.Ticks);

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + new TimeSpan(Interlocked.Read(ref _aheadTicks));

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => GetUtcNow().Ticks;
}
