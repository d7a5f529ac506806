// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Cluster;

/// <summary>Whether this node's lease holds. Every answer, output and slice compares it with the clock on its own path:
/// a fence that nobody is alive to apply is no fence.</summary>
/// <remarks>Safety never rests on it, only that two nodes do not run one guest for long. It closes before the lease
/// ends in the store, since it counts from before the renewal was sent and allows for clocks that differ in
/// rate.</remarks>
public sealed class LeaseGate(TimeProvider clock)
{
    /// <summary>Slack for the time between a check and what it guards.</summary>
    public static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(200);

    /// <summary>Share of the lease that is used: the other 1 % is for clocks of unlike rates.</summary>
    public const double LeaseShare = 0.99;

    private long _validUntil = long.MinValue;

    /// <summary>Any thread.</summary>
    public bool IsOpen => clock.GetTimestamp() < Interlocked.Read(ref _validUntil);

    /// <summary>The lease was renewed by a request that left at <paramref name="sentAt"/> (a timestamp of the
    /// clock).</summary>
    public void Renewed(long sentAt, TimeSpan lease)
    {
        TimeSpan valid = (lease * LeaseShare) - Slack;
        long ticks = (long)(valid.TotalSeconds * clock.TimestampFrequency);
        Interlocked.Exchange(ref _validUntil, sentAt + Math.Max(0, ticks));
    }

    /// <summary>For ever: the node was declared dead, or stops.</summary>
    public void Close() => Interlocked.Exchange(ref _validUntil, long.MinValue);
}
