// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.TestKit.Simulation;

/// <summary>Processes, time and chance on one thread, all from one seed: the same seed gives the same run.</summary>
/// <remarks>Time moves in two ways: each step costs <see cref="StepCost"/>, and while nothing is runnable it jumps to
/// the next timer. So a simulated hour of waiting takes no time. One thread at a time.</remarks>
public sealed class SimulatedWorld
{
    private readonly List<Invariant> _invariants = [];

    public SimulatedWorld(ulong seed)
    {
        Seed = seed;
        SeededRandom root = new(seed);
        Scheduler = new SeededTaskScheduler(root.NextUInt64());
        Random = root.Fork();
    }

    public ulong Seed { get; }

    public VirtualTimeProvider Time { get; } = new();

    public SeededTaskScheduler Scheduler { get; }

    /// <summary>For faults and for the test. The schedule draws from another generator.</summary>
    public SeededRandom Random { get; }

    /// <summary>Virtual time that one step takes.</summary>
    public TimeSpan StepCost { get; init; } = TimeSpan.FromMicroseconds(1);

    /// <summary>Steps after which a run is held to be endless.</summary>
    public long StepsMax { get; init; } = 50_000_000;

    /// <summary>Is given what went wrong, and adds to the message of the failure.</summary>
    public Func<string, string>? OnFailure { get; set; }

    /// <summary>Hash of all that ran.</summary>
    public ulong TraceHash => Scheduler.TraceHash;

    /// <param name="clockRate">Seconds of its clock in one second of virtual time.</param>
    public SimulatedProcess StartProcess(string name, double clockRate = 1) => new(this, name, clockRate);

    /// <summary>Checks <paramref name="check"/> after every step. What it throws ends the run.</summary>
    public void AddInvariant(string name, Action check) => _invariants.Add(new Invariant(name, check));

    /// <summary>Runs until <paramref name="body"/> has completed, at most <paramref name="within"/> of virtual
    /// time.</summary>
    /// <exception cref="SimulationException">It failed, an invariant broke, or it did not complete.</exception>
    public void Run(Func<Task> body, TimeSpan within)
    {
        Task task = Scheduler.Root.Factory.StartNew(body).Unwrap();
        bool isDone = RunUntil(() => task.IsCompleted, within);
        if (!isDone)
        {
            throw Failure($"The test did not complete within {within} of virtual time.", null);
        }

        if (task.IsFaulted)
        {
            throw Failure(task.Exception.InnerException!.Message, task.Exception.InnerException);
        }

        if (task.IsCanceled)
        {
            throw Failure("The test was cancelled.", null);
        }
    }

    /// <summary>As <see cref="Run(Func{Task}, TimeSpan)"/>, within a day.</summary>
    public void Run(Func<Task> body) => Run(body, TimeSpan.FromDays(1));

    /// <summary>Runs for this long, or until nothing is left to happen.</summary>
    public void RunFor(TimeSpan duration)
    {
        TimeSpan end = Time.Elapsed + duration;
        while (TryAdvance(end))
        {
        }

        if (Time.Elapsed < end)
        {
            Advance(end - Time.Elapsed);
        }
    }

    /// <summary>Runs what is runnable now, and what follows from it, without waiting for any timer.</summary>
    public void RunUntilIdle()
    {
        while (!Scheduler.IsIdle)
        {
            TryAdvance(Time.Elapsed);
        }
    }

    /// <summary>Runs until <paramref name="condition"/> holds.</summary>
    /// <returns>Whether it does, within this time.</returns>
    public bool RunUntil(Func<bool> condition, TimeSpan within)
    {
        TimeSpan end = Time.Elapsed + within;
        while (!condition())
        {
            if (!TryAdvance(end))
            {
                return condition();
            }
        }

        return true;
    }

    /// <returns>An exception that names the seed and shows the end of the trace.</returns>
    public SimulationException Failure(string what, Exception? cause)
    {
        string where = $"{what}{Environment.NewLine}Seed {Seed}, step {Scheduler.Steps}, virtual time {Time.Elapsed}. ";
        return new SimulationException(
            $"{where}{OnFailure?.Invoke(where)}The end of the trace:{Environment.NewLine}"
            + string.Join(Environment.NewLine, Scheduler.TraceTail()),
            cause);
    }

    /// <summary>One step, or, where nothing is runnable, a jump to the next timer.</summary>
    /// <returns>False where neither is possible before <paramref name="end"/>.</returns>
    private bool TryAdvance(TimeSpan end)
    {
        if (Scheduler.TryStep())
        {
            Advance(StepCost);
            AfterStep();
            return true;
        }

        if (Time.NextDue is not { } due || due > end)
        {
            return false;
        }

        TimeSpan wait = due - Time.Elapsed;
        Advance(wait > TimeSpan.Zero ? wait : TimeSpan.Zero);
        return true;
    }

    /// <summary>Timers must find no context either: what they wake would leave the thread.</summary>
    private void Advance(TimeSpan by)
    {
        SynchronizationContext? outer = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            Time.Advance(by);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    private void AfterStep()
    {
        if (Scheduler.ForeignTasks > 0)
        {
            throw Failure(
                $"A task came from another thread, so this run cannot be repeated. It came from:{Environment.NewLine}"
                + Scheduler.ForeignTaskOrigin,
                null);
        }

        if (Scheduler.Steps > StepsMax)
        {
            throw Failure($"{StepsMax} steps, and no end: something wakes itself for ever.", null);
        }

        foreach (Invariant invariant in _invariants)
        {
            try
            {
                invariant.Check();
            }
            catch (Exception broken)
            {
                throw Failure($"Broken: {invariant.Name}. {broken.Message}", broken);
            }
        }
    }

    private sealed record Invariant(string Name, Action Check);
}
