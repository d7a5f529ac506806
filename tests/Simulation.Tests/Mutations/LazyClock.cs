// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Simulation.Tests.Mutations;

/// <summary>For a gate that looks at the time once in twenty askings, and remembers it: a node that was stopped wakes
/// with an open gate, as one would whose gate is a flag that somebody has to clear.</summary>
internal sealed class LazyClock(TimeProvider clock) : TimeProvider
{
    private const int LooksBetween = 20;

    private long _seen;
    private int _asked;

    public override long TimestampFrequency => clock.TimestampFrequency;

    public override long GetTimestamp()
    {
        if (_asked++ % LooksBetween == 0)
        {
            _seen = clock.GetTimestamp();
        }

        return _seen;
    }
}
