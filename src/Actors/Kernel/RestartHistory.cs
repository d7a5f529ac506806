// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>When an actor was restarted, as far back as its strategy looks. Used in the parent's turn only.</summary>
internal sealed class RestartHistory
{
    private readonly Queue<long> _restarts = new();

    /// <returns>Number of this restart within the window, from 1; or null where it would be one too many.</returns>
    public int? Next(SupervisionStrategy strategy, TimeProvider clock)
    {
        long now = clock.GetTimestamp();
        while (_restarts.TryPeek(out long oldest))
        {
            if (clock.GetElapsedTime(oldest, now) <= strategy.Window)
            {
                break;
            }

            _restarts.Dequeue();
        }

        if (_restarts.Count >= strategy.RestartsMax)
        {
            return null;
        }

        _restarts.Enqueue(now);
        return _restarts.Count;
    }
}
