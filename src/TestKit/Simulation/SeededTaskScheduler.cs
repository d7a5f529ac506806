// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;

namespace KvmActors.TestKit.Simulation;

/// <summary>Runs the tasks of many simulated processes one at a time on the thread that calls <see cref="TryStep"/>,
/// and lets a seed choose which one is next.</summary>
/// <remarks>Same seed, same tasks: same order. Everything that runs is folded into <see cref="TraceHash"/>. A task
/// queued by a thread other than the last one that stepped would break that; it is counted in
/// <see cref="ForeignTasks"/>.</remarks>
public sealed class SeededTaskScheduler
{
    /// <summary>Trace lines kept to be shown with a failure.</summary>
    public const int TraceTailMax = 200;

    /// <summary>Probability that a continuation runs at once, as it may outside of a simulation, instead of being
    /// queued as any other task.</summary>
    public const double AtOnceChance = 0.9;

    private readonly SeededRandom _random;
    private readonly List<QueuedTask> _runnable = [];
    private readonly Queue<Line> _tail = new(TraceTailMax);
    private TraceHash _hash = new();
    private ProcessScheduler? _running;
    private long _queued;
    private int _processes;
    private int _threadId;

    public SeededTaskScheduler(ulong seed)
    {
        _random = new SeededRandom(seed);
        Root = CreateProcess("test");
    }

    /// <summary>For what belongs to no simulated process: the test itself, the network, the store's server.</summary>
    public ProcessScheduler Root { get; }

    /// <summary>Tasks run so far.</summary>
    public long Steps { get; private set; }

    public bool IsIdle => _runnable.Count == 0;

    /// <summary>Hash of all choices and notes so far.</summary>
    public ulong TraceHash => _hash.Value;

    /// <summary>Tasks that came from another thread while this one stepped. Above zero, the run cannot be
    /// repeated.</summary>
    public long ForeignTasks { get; private set; }

    /// <summary>Where the first foreign task came from.</summary>
    public string? ForeignTaskOrigin { get; private set; }

    /// <summary>Makes an executor for one more simulated process.</summary>
    public ProcessScheduler CreateProcess(string name) => new(this, name, _processes++);

    /// <summary>Runs one task to its end or its next <c>await</c>.</summary>
    /// <returns>False where none was runnable.</returns>
    public bool TryStep()
    {
        QueuedTask next;
        lock (_runnable)
        {
            if (_runnable.Count == 0)
            {
                return false;
            }

            int choice = _random.Next(_runnable.Count);
            next = _runnable[choice];
            _runnable[choice] = _runnable[^1];
            _runnable.RemoveAt(_runnable.Count - 1);
        }

        Steps++;
        _hash.Add((ulong)Steps);
        _hash.Add((ulong)next.Process.Number);
        _hash.Add((ulong)next.Number);
        Run(next);
        return true;
    }

    /// <summary>Adds a line to the trace: it becomes part of the hash, and of what a failure shows.</summary>
    public void Note(string line)
    {
        ArgumentNullException.ThrowIfNull(line);
        _hash.Add(line);
        Keep(new Line(Steps, line, string.Empty, string.Empty));
    }

    /// <summary>The same of three parts, which become a line only where it is shown.</summary>
    public void Note(string who, string what, string detail)
    {
        ArgumentNullException.ThrowIfNull(who);
        ArgumentNullException.ThrowIfNull(what);
        ArgumentNullException.ThrowIfNull(detail);
        _hash.Add(who);
        _hash.Add(what);
        _hash.Add(detail);
        Keep(new Line(Steps, who, what, detail));
    }

    /// <returns>The last lines of the trace, oldest first.</returns>
    public IReadOnlyList<string> TraceTail() => [.. _tail.Select(line => line.ToString())];

    internal void Queue(ProcessScheduler process, Task task)
    {
        lock (_runnable)
        {
            int running = Volatile.Read(ref _threadId);
            if (running != 0 && running != Environment.CurrentManagedThreadId)
            {
                ForeignTasks++;
                ForeignTaskOrigin ??= Environment.StackTrace;
            }

            _runnable.Add(new QueuedTask(process, task, ++_queued));
        }
    }

    /// <summary>Decides whether what follows in the process that runs now, runs at once.</summary>
    internal bool RunsAtOnce(ProcessScheduler process)
    {
        if (!ReferenceEquals(process, _running)
            || Volatile.Read(ref _threadId) != Environment.CurrentManagedThreadId
            || !_random.Chance(AtOnceChance))
        {
            return false;
        }

        _hash.Add((ulong)process.Number);
        return true;
    }

    /// <summary>Takes what a process has waiting out of the choice, in the order it was queued.</summary>
    internal List<QueuedTask> Withdraw(ProcessScheduler process)
    {
        lock (_runnable)
        {
            List<QueuedTask> withdrawn = _runnable.FindAll(queued => ReferenceEquals(queued.Process, process));
            _runnable.RemoveAll(queued => ReferenceEquals(queued.Process, process));
            withdrawn.Sort(static (one, other) => one.Number.CompareTo(other.Number));
            return withdrawn;
        }
    }

    internal void PutBack(IEnumerable<QueuedTask> tasks)
    {
        lock (_runnable)
        {
            _runnable.AddRange(tasks);
        }
    }

    private void Keep(Line line)
    {
        if (_tail.Count == TraceTailMax)
        {
            _tail.Dequeue();
        }

        _tail.Enqueue(line);
    }

    private void Run(QueuedTask next)
    {
        // A test runner's context would take continuations away from this thread.
        SynchronizationContext? outer = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        Volatile.Write(ref _threadId, Environment.CurrentManagedThreadId);
        _running = next.Process;
        try
        {
            next.Process.RunNow(next.Task);
        }
        finally
        {
            _running = null;
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Line(long Step, string Who, string What, string Detail)
    {
        public override string ToString() => $"step {Step}: {Who}{What}{Detail}";
    }

    [StructLayout(LayoutKind.Auto)]
    internal readonly record struct QueuedTask(ProcessScheduler Process, Task Task, long Number);
}
