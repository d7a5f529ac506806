// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>Timers that send their actor a message, by the system's clock. Starting one under a key in use replaces it;
/// a message of a timer that was cancelled or replaced never arrives, even if it already waits.</summary>
/// <remarks>A tick is never refused. At most one tick of a timer waits: a periodic timer whose actor is late
/// skips.</remarks>
public interface IActorTimers
{
    void StartSingle(object key, object message, TimeSpan delay, Lane lane = Lane.Control);

    /// <summary>Ticks first after one <paramref name="interval"/>.</summary>
    void StartPeriodic(object key, object message, TimeSpan interval, Lane lane = Lane.Control);

    /// <returns>Whether there was such a timer.</returns>
    bool Cancel(object key);

    bool IsActive(object key);
}
