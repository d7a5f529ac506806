// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;

namespace KvmActors.TestKit.Simulation.Traps;

/// <summary>Waits for one call at one stage of its way, springs once, and does there what it was told.</summary>
/// <remarks>What is done happens before the call goes on: a node that is killed as its commit leaves has sent nothing,
/// one that is frozen sends it when it goes on.</remarks>
public sealed class Trap
{
    private readonly Completion<bool> _struck = new();
    private readonly Completion<bool> _released = new();
    private readonly List<Action> _deeds = [];
    private bool _holds;

    internal Trap()
    {
    }

    /// <summary>Whether the moment has come.</summary>
    public bool HasSprung { get; private set; }

    internal TrapVerdict Verdict { get; private set; }

    /// <summary>Completes at the moment, once its deeds are done.</summary>
    public Task Struck => _struck.WaitAsync();

    /// <summary>Does this at the moment.</summary>
    public Trap Then(Action deed)
    {
        _deeds.Add(deed);
        return this;
    }

    /// <summary>Keeps the call there until <see cref="Release"/>.</summary>
    public Trap Hold()
    {
        _holds = true;
        return this;
    }

    /// <summary>The call, or its answer, goes no further, and the caller hears nothing of it.</summary>
    public Trap Lose()
    {
        Verdict = TrapVerdict.Lost;
        return this;
    }

    /// <summary>The connection breaks there: the caller hears of it, and not what has become of the call.</summary>
    public Trap Break()
    {
        Verdict = TrapVerdict.Broken;
        return this;
    }

    /// <summary>Lets a held call go on.</summary>
    public void Release() => _released.TrySet(true);

    internal async Task<TrapVerdict> SpringAsync()
    {
        HasSprung = true;
        foreach (Action deed in _deeds)
        {
            deed();
        }

        _struck.TrySet(true);
        if (_holds)
        {
            await _released.WaitAsync();
        }
        else
        {
            // The rest of the caller's turn must not run if it was killed or frozen just now.
            await Task.Yield();
        }

        return Verdict;
    }
}
