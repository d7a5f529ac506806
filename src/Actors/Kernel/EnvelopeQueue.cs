// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>Many writers, one reader, two words: writers push onto a stack, and the reader takes the whole stack and
/// turns it round. So an idle actor costs no queue segments, and what one writer pushes stays in order.</summary>
internal struct EnvelopeQueue
{
    private Envelope? _inbox;
    private Envelope? _outbox;

    /// <summary>Reader only, or as a hint.</summary>
    public readonly bool IsEmpty => _outbox is null && Volatile.Read(in _inbox) is null;

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
        Envelope? first = _outbox ?? TakeInbox();
        if (first is null)
        {
            return null;
        }

        _outbox = first.Next;
        first.Next = null;
        return first;
    }

    /// <summary>Reader only: <paramref name="envelope"/> becomes the next to be taken.</summary>
    public void PutFirst(Envelope envelope)
    {
        _outbox ??= TakeInbox();
        envelope.Next = _outbox;
        _outbox = envelope;
    }

    /// <returns>All that was pushed, oldest first.</returns>
    private Envelope? TakeInbox()
    {
        if (Volatile.Read(ref _inbox) is null)
        {
            return null;
        }

        Envelope? newest = Interlocked.Exchange(ref _inbox, null);
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
