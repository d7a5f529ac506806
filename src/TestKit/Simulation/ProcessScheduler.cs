// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.TestKit.Simulation;

/// <summary>The executor of one simulated process. It can be frozen, as by SIGSTOP, and killed, as by
/// SIGKILL.</summary>
public sealed class ProcessScheduler : TaskScheduler
{
    private readonly SeededTaskScheduler _owner;
    private readonly List<SeededTaskScheduler.QueuedTask> _held = [];

    internal ProcessScheduler(SeededTaskScheduler owner, string name, int number)
    {
        _owner = owner;
        Name = name;
        Number = number;
        Factory = new TaskFactory(this);
    }

    public string Name { get; }

    /// <summary>Starts tasks here.</summary>
    public TaskFactory Factory { get; }

    public bool IsFrozen { get; private set; }

    public bool IsKilled { get; private set; }

    public override int MaximumConcurrencyLevel => 1;

    internal int Number { get; }

    /// <summary>Nothing of this process runs until <see cref="Thaw"/>; what is queued meanwhile waits.</summary>
    public void Freeze()
    {
        if (!IsFrozen && !IsKilled)
        {
            IsFrozen = true;
            _held.AddRange(_owner.Withdraw(this));
        }
    }

    public void Thaw()
    {
        if (IsFrozen)
        {
            IsFrozen = false;
            _owner.PutBack(_held);
            _held.Clear();
        }
    }

    /// <summary>Nothing of this process ever runs again: no <c>finally</c>, no callback, no continuation.</summary>
    public void Kill()
    {
        IsKilled = true;
        IsFrozen = false;
        _owner.Withdraw(this);
        _held.Clear();
    }

    internal void RunNow(Task task) => TryExecuteTask(task);

    protected override void QueueTask(Task task)
    {
        if (IsKilled)
        {
            return;
        }

        _owner.Queue(this, task);
        if (IsFrozen)
        {
            _held.AddRange(_owner.Withdraw(this));
        }
    }

    /// <summary>Whether a continuation runs at once or later is the seed's choice.</summary>
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) =>
        !taskWasPreviouslyQueued && !IsKilled && !IsFrozen && _owner.RunsAtOnce(this) && TryExecuteTask(task);

    protected override IEnumerable<Task> GetScheduledTasks() => [];
}
