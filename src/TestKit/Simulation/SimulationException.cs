// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.TestKit.Simulation;

/// <summary>A simulated run went wrong. The message has the seed that repeats it, and the end of the trace.</summary>
public sealed class SimulationException(string message, Exception? inner = null) : Exception(message, inner);
