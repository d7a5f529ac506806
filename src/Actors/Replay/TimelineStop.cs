// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Debugging;

namespace KvmActors.Actors.Replay;

/// <summary>Why a timeline stands where it stands.</summary>
public abstract record TimelineStop
{
    private TimelineStop()
    {
    }

    /// <summary>The step is taken, or the moment reached.</summary>
    public sealed record Reached : TimelineStop;

    /// <summary>A breakpoint or watchpoint. Forwards the guest stands behind the instruction that met a watchpoint,
    /// backwards before it.</summary>
    public sealed record Met(DebugHit Hit) : TimelineStop;

    /// <summary>The first moment that can be reached: the first snapshot.</summary>
    public sealed record AtStart : TimelineStop;

    /// <summary>The last moment that the journal tells of, or the guest's end.</summary>
    public sealed record AtEnd : TimelineStop;

    /// <summary>The caller asked for an end; the guest stands somewhere on the way.</summary>
    public sealed record Interrupted : TimelineStop;
}
