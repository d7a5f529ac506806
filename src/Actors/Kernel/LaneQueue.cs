// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>An <see cref="EnvelopeQueue"/> with a bound for what is told.</summary>
/// <remarks>Told messages are counted in two words that wrap, so that the reader's count needs no locked instruction:
/// what waits is the difference.</remarks>
internal struct LaneQueue
{
    private EnvelopeQueue _queue;
    private int _told;
    private int _taken;

    /// <inheritdoc cref="EnvelopeQueue.IsEmpty"/>
    public readonly bool IsEmpty => _queue.IsEmpty;

    /// <returns>False at the bound; nothing was pushed.</returns>
    public bool TryPush(Envelope envelope, int bound)
    {
        if (Interlocked.Increment(ref _told) - Volatile.Read(ref _taken) > bound)
        {
            Interlocked.Decrement(ref _told);
            return false;
        }

        Push(envelope);
        return true;
    }

    /// <summary>For envelopes that were not told.</summary>
    public void Push(Envelope envelope) => _queue.Push(envelope);

    /// <summary>Reader only.</summary>
    public Envelope? Take()
    {
        Envelope? first = _queue.Take();
        if (first?.Origin == EnvelopeOrigin.Told)
        {
            Volatile.Write(ref _taken, _taken + 1);
        }

        return first;
    }

    /// <inheritdoc cref="EnvelopeQueue.PutFirst"/>
    public void PutFirst(Envelope envelope) => _queue.PutFirst(envelope);
}
