// SPDX-License-Identifier: Apache-2.0

using KvmActors.TestKit.Simulation.Traps;

namespace KvmActors.TestKit.Simulation;

/// <summary>The network between simulated processes: it delays, loses, doubles and reorders, and can be cut in one
/// direction.</summary>
public sealed class SimulatedNetwork
{
    private readonly SimulatedWorld _world;
    private readonly SeededRandom _random;
    private readonly Dictionary<string, SimulatedLink> _links = new(StringComparer.Ordinal);
    private readonly HashSet<(string From, string To)> _cuts = [];

    public SimulatedNetwork(SimulatedWorld world)
    {
        ArgumentNullException.ThrowIfNull(world);
        _world = world;
        _random = world.Random.Fork();
    }

    public LinkFaults Faults { get; set; } = LinkFaults.None;

    /// <summary>All calls pass by here.</summary>
    public TrapLine Traps { get; init; } = new();

    public long Calls { get; private set; }

    /// <summary>Requests and replies that were lost, by chance or by a cut.</summary>
    public long Losses { get; private set; }

    public long Duplicates { get; private set; }

    /// <summary>Connects a process. A later process may take the endpoint of a dead one.</summary>
    public SimulatedLink Attach(SimulatedProcess process, string endpoint, LinkHandler handler)
    {
        ArgumentNullException.ThrowIfNull(process);
        SimulatedLink link = new(this, process, endpoint, handler);
        _links[endpoint] = link;
        process.OnKilled(() => Detach(link));
        return link;
    }

    /// <summary>From here on nothing goes from one endpoint to the other. The way back stays open.</summary>
    public void Cut(string from, string to)
    {
        _world.Scheduler.Note($"network: {from} no longer reaches {to}");
        _cuts.Add((from, to));
    }

    public void CutBothWays(string one, string other)
    {
        Cut(one, other);
        Cut(other, one);
    }

    /// <summary>Cuts an endpoint off from all others, both ways.</summary>
    public void Isolate(string endpoint)
    {
        foreach (string other in _links.Keys.Order(StringComparer.Ordinal))
        {
            if (other != endpoint)
            {
                CutBothWays(endpoint, other);
            }
        }
    }

    public void HealAll()
    {
        _world.Scheduler.Note("network: all ways are open");
        _cuts.Clear();
    }

    internal async Task<ReadOnlyMemory<byte>> CallAsync(
        SimulatedLink caller, string endpoint, ReadOnlyMemory<byte> request, CancellationToken cancellationToken)
    {
        Calls++;
        cancellationToken.ThrowIfCancellationRequested();
        PendingCall call = new(caller.Endpoint, endpoint, request.ToArray());
        using CancellationTokenRegistration cancellation = cancellationToken.UnsafeRegister(
            static (state, token) => ((PendingCall)state!).Cancel(token), call);
        if (await PassAsync(call, CallStage.Leaving) != TrapVerdict.GoesOn)
        {
            return await call.WaitAsync();
        }

        if (!_links.ContainsKey(endpoint) && !_cuts.Contains((caller.Endpoint, endpoint)))
        {
            AfterDelay(() => call.Refuse());
            return await call.WaitAsync();
        }

        Later(Faults.GiveUpAfter, () => call.GiveUp(Faults.GiveUpAfter));
        Send(call);
        if (_random.Chance(Faults.DuplicateChance))
        {
            Duplicates++;
            Send(call);
        }

        ReadOnlyMemory<byte> reply = await call.WaitAsync();
        await PassAsync(call, CallStage.Returning);
        return reply;
    }

    private void Send(PendingCall call)
    {
        if (IsLost(call.From, call.To))
        {
            return;
        }

        AfterDelay(() => _ = ArriveAsync(call));
    }

    private async Task ArriveAsync(PendingCall call)
    {
        if (await PassAsync(call, CallStage.Arriving) != TrapVerdict.GoesOn)
        {
            return;
        }

        if (!_links.TryGetValue(call.To, out SimulatedLink? target))
        {
            call.Reset();
            return;
        }

        if (_random.Chance(Faults.ResetChance))
        {
            AfterDelay(call.Reset);
        }

        target.Serve(call, reply => _ = ReturnAsync(call, reply));
    }

    private async Task ReturnAsync(PendingCall call, ReadOnlyMemory<byte>? reply)
    {
        if (await PassAsync(call, CallStage.Done) != TrapVerdict.GoesOn)
        {
            return;
        }

        if (IsLost(call.To, call.From))
        {
            return;
        }

        AfterDelay(() => call.Complete(reply));
    }

    private async ValueTask<TrapVerdict> PassAsync(PendingCall call, CallStage stage)
    {
        TrapVerdict verdict = await Traps.PassAsync(new LinkMoment(call.From, call.To, stage, call.Request));
        if (verdict == TrapVerdict.Broken)
        {
            call.Reset();
        }

        return verdict;
    }

    private bool IsLost(string from, string to)
    {
        bool isLost = _random.Chance(Faults.DropChance) || _cuts.Contains((from, to));
        Losses += isLost ? 1 : 0;
        return isLost;
    }

    private void Detach(SimulatedLink link)
    {
        if (_links.TryGetValue(link.Endpoint, out SimulatedLink? current) && ReferenceEquals(current, link))
        {
            _links.Remove(link.Endpoint);
        }

        foreach (PendingCall call in link.TakeServing())
        {
            AfterDelay(call.Reset);
        }
    }

    private void AfterDelay(Action action) => Later(_random.Between(Faults.DelayMin, Faults.DelayMax), action);

    /// <summary>The network's own doings belong to no process: they go on when a node dies.</summary>
    private void Later(TimeSpan delay, Action action) => _world.Time.CreateTimer(
        _ => _world.Scheduler.Root.Factory.StartNew(action), null, delay, Timeout.InfiniteTimeSpan);
}
