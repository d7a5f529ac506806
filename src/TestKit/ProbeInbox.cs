// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;

namespace KvmActors.TestKit;

/// <summary>What a probe was sent and the test has not yet looked at.</summary>
internal sealed class ProbeInbox
{
    private readonly Lock _lock = new();
    private readonly Queue<ProbeMessage> _messages = new();
    private Completion<bool>? _waiter;

    public void Add(ProbeMessage message)
    {
        lock (_lock)
        {
            _messages.Enqueue(message);
            _waiter?.TrySet(true);
        }
    }

    /// <returns>The next message, or null where none comes in time.</returns>
    public async Task<ProbeMessage?> TakeAsync(TimeSpan wait, TimeProvider clock)
    {
        Task arrival;
        lock (_lock)
        {
            if (_messages.TryDequeue(out ProbeMessage? waiting))
            {
                return waiting;
            }

            if (wait <= TimeSpan.Zero)
            {
                return null;
            }

            _waiter = new Completion<bool>();
            arrival = _waiter.WaitAsync();
        }

        try
        {
            await arrival.WaitAsync(wait, clock);
        }
        catch (TimeoutException)
        {
            // What came at the last moment still counts.
        }

        lock (_lock)
        {
            _waiter = null;
            return _messages.TryDequeue(out ProbeMessage? came) ? came : null;
        }
    }
}
