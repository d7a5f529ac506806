// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Actors.Kernel;

/// <summary>Counts every dead letter of a system, and shows them to whoever wants to see. Any thread.</summary>
public sealed class DeadLetters
{
    private readonly long[] _counts = new long[Enum.GetValues<DeadLetterReason>().Length];
    private ImmutableArray<Action<DeadLetter>> _observers = [];

    internal DeadLetters()
    {
    }

    public long Total
    {
        get
        {
            long total = 0;
            for (int reason = 0; reason < _counts.Length; reason++)
            {
                total += Interlocked.Read(ref _counts[reason]);
            }

            return total;
        }
    }

    public long Count(DeadLetterReason reason) => Interlocked.Read(ref _counts[(int)reason]);

    /// <summary>Calls <paramref name="observer"/> for each dead letter from now on, on the thread that found it: be
    /// quick, and do not throw.</summary>
    /// <returns>Ends the subscription when disposed.</returns>
    public IDisposable Subscribe(Action<DeadLetter> observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        ImmutableInterlocked.Update(ref _observers, static (all, added) => all.Add(added), observer);
        return new Subscription(this, observer);
    }

    internal void Publish(DeadLetter letter)
    {
        Interlocked.Increment(ref _counts[(int)letter.Reason]);
        foreach (Action<DeadLetter> observer in _observers)
        {
            try
            {
                observer(letter);
            }
            catch (Exception)
            {
                // An observer is told not to throw. Neither sender nor actor must pay for one that does.
            }
        }
    }

    private sealed class Subscription(DeadLetters source, Action<DeadLetter> observer) : IDisposable
    {
        public void Dispose() =>
            ImmutableInterlocked.Update(ref source._observers, static (all, gone) => all.Remove(gone), observer);
    }
}
