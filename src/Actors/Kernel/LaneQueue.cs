// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>Many writers, one reader, two words: writers push onto a stack, and the reader takes the whole stack and
/// turns it round. So an idle actor costs no queue segments, and what one writer pushes stays in order.</summary>
internal struct LaneQueue
{
    private Envelope? _inbox;
    private Envelope? _outbox;
    private int _told;

    /// <summary>Told messages that wait. Exact only while nobody writes.</summary>
    public readonly int Count => Volatile.Read(in _told);

    /// <summary>Reader only, or as a hint.</summary>
    public readonly bool IsEmpty => _outbox is null && Volatile.Read(in _inbox) is null;

    /// <returns>False at the bound; nothing was pushed.</returns>
    public bool TryPush(Envelope envelope, int bound)
    {
        if (Interlocked.Increment(ref _told) > bound)
        {
            Interlocked.Decrement(ref _told);
            return false;
        }

        Push(envelope);
        return true;
    }

    /// <summary>For envelopes that were not told.</summary>
    public void Push(Envelope envelope)
    {
        Envelope? top = Volatile.Read(ref _inbox);
        while (true)
        {
            envelope.Next = top;
            Envelope? found = Interlocked.CompareExchange(ref _inbox, envelope, top);
            if (ReferenceEquals(found, top))
            {
                return;
            }

            top = found;
        }
    }

    /// <summary>Reader only.</summary>
    public Envelope? Take()
    {
        Envelope? first = _outbox ?? Reverse(Interlocked.Exchange(ref _inbox, null));
        if (first is null)
        {
            return null;
        }

        _outbox = first.Next;
        first.Next = null;
        if (first.Origin == EnvelopeOrigin.Told)
        {
            Interlocked.Decrement(ref _told);
        }

        return first;
    }

    /// <summary>Reader only: <paramref name="envelope"/> becomes the next to be taken.</summary>
    public void PutFirst(Envelope envelope)
    {
        _outbox ??= Reverse(Interlocked.Exchange(ref _inbox, null));
        envelope.Next = _outbox;
        _outbox = envelope;
    }

    private static Envelope? Reverse(Envelope? newest)
    {
        Envelope? oldest = null;
        while (newest is not null)
        {
            Envelope? older = newest.Next;
            newest.Next = oldest;
            oldest = newest;
            newest = older;
        }

        return oldest;
    }
}
