// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Time;

/// <summary>Why a slice came to its end.</summary>
public enum SliceStop
{
    /// <summary>VM time reached <see cref="SliceLimits.UntilVmTime"/>.</summary>
    LimitReached,

    /// <summary><see cref="SliceLimits.ShouldYield"/> said so.</summary>
    Yielded,

    /// <summary>All vCPUs are halted, and only an input can wake one.</summary>
    Idle,

    /// <summary>No vCPU can run before a timer fires, which is behind <see cref="SliceLimits.StandStillUntil"/>:
    /// <see cref="SliceResult.WakesAt"/> says when.</summary>
    Resting,

    /// <summary>What a debugger wishes was met: <see cref="SliceResult.Hit"/>.</summary>
    Debug,

    /// <summary><c>VirtualMachine.End</c> is set.</summary>
    Ended,
}
