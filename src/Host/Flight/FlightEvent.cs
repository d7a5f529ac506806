// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Flight;

/// <summary>One event of a <see cref="FlightRecorder"/>.</summary>
/// <param name="BootId">The boot whose monotonic clock it is on.</param>
/// <param name="Node">The node's id, or its name where it had none yet.</param>
/// <param name="Number">From 1 in each life of a node.</param>
internal sealed record FlightEvent(
    string BootId, string Node, long Number, long MonotonicNs, DateTimeOffset At, string What);
