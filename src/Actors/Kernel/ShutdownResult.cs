// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Actors.Kernel;

/// <summary>How a system ended.</summary>
/// <param name="StillRunning">Paths of actors that had not stopped in time; empty for a clean end.</param>
public sealed record ShutdownResult(ImmutableArray<string> StillRunning)
{
    public bool IsClean => StillRunning.IsEmpty;
}
