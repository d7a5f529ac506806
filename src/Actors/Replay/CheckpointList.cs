// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Replay;

/// <summary>Checkpoints of one guest by VM time, a bounded number: dense around the latest, thinner the farther
/// off.</summary>
internal sealed class CheckpointList(int countMax)
{
    private readonly SortedList<ulong, Checkpoint> _byTime = [];

    /// <summary>Adds one; where there are too many, the one that is missed least goes. The first always stays.
    /// </summary>
    public void Add(Checkpoint checkpoint)
    {
        _byTime[checkpoint.VmTime] = checkpoint;
        if (_byTime.Count > countMax)
        {
            _byTime.RemoveAt(LeastMissed(checkpoint.VmTime));
        }
    }

    /// <summary>The last at or before a VM time, or null.</summary>
    public Checkpoint? AtOrBefore(ulong vmTime)
    {
        int index = IndexAfter(vmTime) - 1;
        return index >= 0 ? _byTime.GetValueAtIndex(index) : null;
    }

    private int IndexAfter(ulong vmTime)
    {
        int low = 0;
        int high = _byTime.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_byTime.GetKeyAtIndex(middle) <= vmTime)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    /// <summary>The gap that removing one leaves counts less the farther off it is.</summary>
    private int LeastMissed(ulong now)
    {
        int found = 1;
        double least = double.MaxValue;
        for (int index = 1; index < _byTime.Count - 1; index++)
        {
            ulong at = _byTime.GetKeyAtIndex(index);
            double gap = _byTime.GetKeyAtIndex(index + 1) - _byTime.GetKeyAtIndex(index - 1);
            double distance = at > now ? at - now : now - at;
            double missed = gap / (distance + 1);
            if (at != now && missed < least)
            {
                least = missed;
                found = index;
            }
        }

        return found;
    }
}
