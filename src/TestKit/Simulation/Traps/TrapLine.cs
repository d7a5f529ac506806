// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.TestKit.Simulation.Traps;

/// <summary>All calls of a simulated cluster pass by here, at each of their stages: a <see cref="Trap"/> may stop them,
/// and whoever watches sees them.</summary>
public sealed class TrapLine
{
    private readonly List<(Func<StoreMoment, bool> IsIt, Trap Trap)> _store = [];
    private readonly List<(Func<LinkMoment, bool> IsIt, Trap Trap)> _link = [];

    /// <summary>Sees every call to the store.</summary>
    public event Action<StoreMoment>? OnStore;

    /// <summary>Sees every call between nodes.</summary>
    public event Action<LinkMoment>? OnLink;

    /// <summary>Sets a trap for the first call to the store that is <paramref name="isIt"/>.</summary>
    public Trap SetForStore(Func<StoreMoment, bool> isIt)
    {
        Trap trap = new();
        _store.Add((isIt, trap));
        return trap;
    }

    /// <summary>Sets a trap for the first call between nodes that is <paramref name="isIt"/>.</summary>
    public Trap SetForLink(Func<LinkMoment, bool> isIt)
    {
        Trap trap = new();
        _link.Add((isIt, trap));
        return trap;
    }

    internal ValueTask<TrapVerdict> PassAsync(StoreMoment moment)
    {
        OnStore?.Invoke(moment);
        return PassAsync(_store, moment);
    }

    internal ValueTask<TrapVerdict> PassAsync(LinkMoment moment)
    {
        OnLink?.Invoke(moment);
        return PassAsync(_link, moment);
    }

    private static ValueTask<TrapVerdict> PassAsync<T>(List<(Func<T, bool> IsIt, Trap Trap)> traps, T moment)
    {
        int index = traps.FindIndex(entry => entry.IsIt(moment));
        if (index < 0)
        {
            return ValueTask.FromResult(TrapVerdict.GoesOn);
        }

        Trap trap = traps[index].Trap;
        traps.RemoveAt(index);
        return new ValueTask<TrapVerdict>(trap.SpringAsync());
    }
}
