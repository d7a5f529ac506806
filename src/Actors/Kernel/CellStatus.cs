// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>Where an actor is in its life. Only in <see cref="Running"/> are user and control messages taken.</summary>
/// <remarks>Starting -> Running; Running -> Suspended (failed, the parent decides) -> Running | Restarting | Stopping;
/// Restarting (children stop, then backoff) -> Starting; any -> Stopping (children stop) -> Stopped.</remarks>
internal enum CellStatus : byte
{
    Starting,
    Running,
    Suspended,
    Restarting,
    Stopping,
    Stopped,
}
