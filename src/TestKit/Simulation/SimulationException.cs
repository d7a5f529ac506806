// SPDX-License-Identifier: Apache-2.0

using KvmActors.TestKit.Simulation.Invariants;

namespace KvmActors.TestKit.Simulation;

/// <summary>A simulated run went wrong. The message has the seed that repeats it, and the end of the trace.</summary>
public sealed class SimulationException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Number of the invariant that broke; null where it was something else.</summary>
    public string? Invariant => InnerException switch
    {
        InvariantException broken => broken.Number,
        SimulationException outer => outer.Invariant,
        _ => null,
    };

    /// <summary>What went wrong first, in one line.</summary>
    public string Cause => (InnerException switch
    {
        SimulationException outer => outer.Cause,
        { } broken => broken.Message,
        null => Message,
    }).Split(Environment.NewLine)[0];
}
