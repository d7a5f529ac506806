// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;

namespace KvmActors.TestKit.Simulation;

/// <summary>One process of a <see cref="SimulatedWorld"/>: an executor, a clock, and what can happen to a
/// process.</summary>
public sealed class SimulatedProcess
{
    private readonly SimulatedWorld _world;
    private readonly LinkedList<Action> _onKilled = [];

    internal SimulatedProcess(SimulatedWorld world, string name, double clockRate)
    {
        _world = world;
        Name = name;
        Executor = world.Scheduler.CreateProcess(name);
        Clock = new ProcessClock(world.Time, Executor, clockRate);
    }

    public string Name { get; }

    public ProcessScheduler Executor { get; }

    public ProcessClock Clock { get; }

    public bool IsAlive => !Executor.IsKilled;

    /// <summary>Options for an actor system of this process: a message a turn, and every delivery in the
    /// trace.</summary>
    public ActorSystemOptions ActorOptions => new(Executor, Clock)
    {
        MessagesPerTurn = 1,
        Observer = new TraceObserver(_world.Scheduler, Name),
    };

    /// <summary>Makes an actor system that lives and dies with this process.</summary>
    public ActorSystem StartActorSystem()
    {
        ActorSystem system = new(Name, ActorOptions);
        OnKilled(system.Abandon);
        return system;
    }

    /// <summary>Has <paramref name="effect"/> happen in the surroundings when this process is killed: its connections
    /// break, its locks fall.</summary>
    /// <returns>Takes it back when disposed.</returns>
    public IDisposable OnKilled(Action effect)
    {
        LinkedListNode<Action> place = _onKilled.AddLast(effect);
        return new Effect(_onKilled, place);
    }

    /// <summary>As SIGKILL: nothing of this process runs any more.</summary>
    public void Kill()
    {
        if (!IsAlive)
        {
            return;
        }

        _world.Scheduler.Note($"{Name} is killed");
        Executor.Kill();
        foreach (Action effect in _onKilled.ToArray())
        {
            effect();
        }
    }

    /// <summary>As SIGSTOP: the process stands still while time goes on.</summary>
    public void Freeze()
    {
        _world.Scheduler.Note($"{Name} is frozen");
        Executor.Freeze();
    }

    /// <summary>As SIGCONT: all that fell due meanwhile comes at once.</summary>
    public void Thaw()
    {
        _world.Scheduler.Note($"{Name} goes on");
        Executor.Thaw();
    }

    private sealed class Effect(LinkedList<Action> effects, LinkedListNode<Action> place) : IDisposable
    {
        public void Dispose()
        {
            if (place.List is not null)
            {
                effects.Remove(place);
            }
        }
    }
}
