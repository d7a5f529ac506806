// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.TestKit.Simulation.Traps;

/// <summary>How far a call to the store or to a peer has come: the points at which a simulation can be stopped
/// exactly.</summary>
public enum CallStage
{
    /// <summary>On the caller's side, before anything has left.</summary>
    Leaving = 1,

    /// <summary>At the other side, before anything is done there.</summary>
    Arriving = 2,

    /// <summary>Done there, and durable where it is a commit; the answer has not left.</summary>
    Done = 3,

    /// <summary>The answer has come back; the caller has not gone on with it.</summary>
    Returning = 4,
}
