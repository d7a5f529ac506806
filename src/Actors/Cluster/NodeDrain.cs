// SPDX-License-Identifier: Apache-2.0

using System.Collections.Concurrent;
using System.Collections.Immutable;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Vm;
using KvmActors.Persistence;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Actors.Cluster;

/// <summary>Moves away all that a node owns, a few VMs at a time, until nothing is left that can move.</summary>
/// <remarks>Any thread. What cannot be moved now is tried again for as long as the drain goes on: another node may
/// join, or get room.</remarks>
/// <param name="drained">Told once, when a client asked for the drain and nothing is left.</param>
/// <param name="stop">No move is begun any more.</param>
internal sealed class NodeDrain(VmServices services, ControlRouter router, Action drained, CancellationToken stop)
{
    /// <summary>A VM that was refused once may only have been busy.</summary>
    private const int TriesBeforeProblem = 2;

    private static readonly TimeSpan s_tryAgainAfter = TimeSpan.FromSeconds(1);

    /// <summary>Wait between the end and leaving, so that who asked hears of the end from the node itself.</summary>
    private static readonly TimeSpan s_lingerAfter = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _stuck = new();
    private readonly DrainTally _tally = new();
    private Task? _running;
    private bool _leaves;
    private int _unseen;
    private int _commands;

    public DrainStatus Status
    {
        get
        {
            VmId[] left = [.. Movable().Select(vm => vm.Vm)];
            return new DrainStatus(
                services.Self,
                _tally.Moved,
                left.Length + Volatile.Read(ref _unseen),
                _tally.Problems(left, TriesBeforeProblem),
                _running is { IsCompletedSuccessfully: true });
        }
    }

    /// <summary>What a client that asks for a drain is told. The first time, the drain begins.</summary>
    /// <exception cref="StoreUnavailableException">Nothing has begun.</exception>
    public async Task<ControlReply> AnswerAsync(CancellationToken cancellation)
    {
        if (_running is null && !Movable().IsEmpty && (await PeersAsync(cancellation)).IsEmpty)
        {
            return new ControlReply.Refused(new Refusal(
                RefusalKind.State,
                $"another active node to take the VMs of {services.Self}",
                "none",
                "Start one with: node run. Or stop this one: its VMs then wait in the store."));
        }

        Task running = Begin();
        if (running.IsFaulted)
        {
            await running;
        }

        LeaveAfter(running);
        return new ControlReply.Draining(Status);
    }

    /// <summary>Begins, or goes on; does not where there is nobody to give VMs to.</summary>
    /// <returns>When nothing is left, or nothing that is left could be moved, or the drain was ended.</returns>
    /// <exception cref="StoreUnavailableException">Nothing has begun.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        if (_running is null && (await PeersAsync(cancellation)).IsEmpty)
        {
            return;
        }

        await Task.WhenAny(Begin(), _stuck.Task);
    }

    private Task Begin()
    {
        lock (_gate)
        {
            return _running ??= DrainAsync();
        }
    }

    private void LeaveAfter(Task running)
    {
        lock (_gate)
        {
            if (_leaves)
            {
                return;
            }

            _leaves = true;
        }

        _ = LeaveAsync(running);
    }

    private async Task LeaveAsync(Task running)
    {
        await running;
        await services.Clock.DelayAsync(s_lingerAfter, stop);
        drained();
    }

    private async Task DrainAsync()
    {
        services.Mode.Drain();
        services.Observer.On(new ClusterEvent.NodeDrains(services.Self, Movable().Length));
        await TryUntilDoneAsync("drain", () => services.Store.DrainAsync(services.Self, stop).AsTask());
        while (await TryUntilDoneAsync("look at what is left", () => IsSomeLeftAsync()))
        {
            if (await PassAsync() == 0)
            {
                await services.Clock.DelayAsync(s_tryAgainAfter, stop);
            }
        }
    }

    private ImmutableArray<VmStatus> Movable() => [.. services.Board.All.Where(DrainPlan.CanMove)];

    /// <summary>Also what its rows give to this node while it is being rebuilt.</summary>
    private async Task<bool> IsSomeLeftAsync()
    {
        if (!Movable().IsEmpty)
        {
            return true;
        }

        IReadOnlyList<StreamRow> rows = await services.Store.ListAsync(stop);
        int unseen = rows.Count(row => row.Stream.VcpuIndex < 0
            && row.Owner == services.Self
            && row.State != StreamRowState.Quarantined
            && services.Board.Find(row.Stream.Vm) is null);
        Volatile.Write(ref _unseen, unseen);
        return unseen > 0 || !Movable().IsEmpty;
    }

    /// <returns>VMs that were moved.</returns>
    private async Task<int> PassAsync()
    {
        ImmutableArray<VmStatus> left = Movable();
        ConcurrentQueue<VmStatus> queue = new(left);
        DrainRoom room = new(await TryUntilDoneAsync("look for targets", () => TargetsAsync()));
        int[] moved = await Task.WhenAll(
            Enumerable.Range(0, services.Options.DrainParallel).Select(_ => MoveSomeAsync(queue, room)));
        if (moved.Sum() == 0 && left.Length > 0 && Status is { Left: var all, Problems.Length: var problems }
            && problems == all)
        {
            _stuck.TrySetResult();
        }

        return moved.Sum();
    }

    private async Task<int> MoveSomeAsync(ConcurrentQueue<VmStatus> queue, DrainRoom room)
    {
        int moved = 0;
        while (queue.TryDequeue(out VmStatus? vm))
        {
            stop.ThrowIfCancellationRequested();
            bool isToMove = services.Board.Find(vm.Vm) is { MovingTo: null } now && DrainPlan.CanMove(now);
            moved += isToMove && await TryMoveAsync(vm, room) ? 1 : 0;
        }

        return moved;
    }

    private async Task<bool> TryMoveAsync(VmStatus vm, DrainRoom room)
    {
        string problem = room.IsEmpty
            ? "Expected another active node, found none. Start one with: node run."
            : "Expected an active node that offers the CPUID features of the guest, found none.";
        try
        {
            foreach (NodeRow target in DrainPlan.Order(vm, room.Targets))
            {
                room.Take(target.Id, vm);
                CommandId id = new($"drain-{services.Self}", $"{vm.Vm}-{Interlocked.Increment(ref _commands)}");
                ControlReply reply = await router.AnswerHereAsync(
                    new ControlRequest.MigrateVm(id, vm.Vm, target.Id.Name), stop);
                if (reply is ControlReply.Migrated or ControlReply.NotOwner)
                {
                    _tally.Left(vm.Vm);
                    return true;
                }

                room.GiveBack(target.Id, vm);
                problem = reply is ControlReply.Refused refused ? refused.Why.Sentence : $"{reply}";
            }
        }
        catch (StoreUnavailableException failure)
        {
            problem = failure.Message;
        }

        _tally.Stayed(vm.Vm, problem);
        return false;
    }

    private async Task<ImmutableArray<NodeRow>> PeersAsync(CancellationToken cancellation) =>
    [
        .. (await services.Store.ListNodesAsync(cancellation))
            .Where(node => node.Status == NodeStatus.Active && node.Id != services.Self),
    ];

    private async Task<ImmutableArray<DrainTarget>> TargetsAsync()
    {
        ImmutableArray<NodeRow> peers = await PeersAsync(stop);
        return [.. await Task.WhenAll(peers.Select(peer => TargetAsync(peer)))];
    }

    /// <summary>One that gives no answer is tried last; one that does not say how much it takes is held to be as large
    /// as this one.</summary>
    private async Task<DrainTarget> TargetAsync(NodeRow peer)
    {
        if (await router.Listing.OfAsync(peer, stop) is not { } listed)
        {
            return new DrainTarget(peer, long.MinValue / 2);
        }

        ulong most = listed.MemoryBytesMax > 0 ? listed.MemoryBytesMax : services.Options.GuestMemoryBytesMax;
        long used = listed.Vms.Sum(static vm => DrainRoom.BytesOf(vm));
        return new DrainTarget(peer, (long)most - used);
    }

    private async Task<T> TryUntilDoneAsync<T>(string what, Func<Task<T>> work)
    {
        while (true)
        {
            try
            {
                return await work();
            }
            catch (StoreUnavailableException failure)
            {
                services.Observer.On(new ClusterEvent.StoreTrouble(what, failure.Message));
                await services.Clock.DelayAsync(services.Options.StoreRetryAfter, stop);
            }
        }
    }
}
