// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Diagnostics;
using KvmActors.Persistence.Sqlite;
using KvmActors.Torture.Cluster;

namespace KvmActors.Torture.Nemesis;

/// <summary>Does what a schedule says to a cluster.</summary>
internal sealed class NemesisAtWork(
    ImmutableArray<TortureNode> nodes, TortureStore store, NodeNetwork network, RunLog log) : IDisposable
{
    private const string Who = "nemesis";
    private const double LossShare = 0.2;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly SemaphoreSlim _serverTurn = new(initialCount: 1);

    /// <summary>Nodes that were stopped while they had the turn to write.</summary>
    public int StoppedInsideWrite { get; private set; }

    /// <summary>Troubles by kind.</summary>
    public Dictionary<TroubleKind, int> Done { get; } = [];

    public void Dispose() => _serverTurn.Dispose();

    /// <summary>The whole schedule; done when the last trouble is over.</summary>
    public async Task RunAsync(ImmutableArray<TroubleStep> steps)
    {
        long begun = Stopwatch.GetTimestamp();
        List<Task> underWay = [];
        foreach (TroubleStep step in steps)
        {
            TimeSpan wait = step.At - Stopwatch.GetElapsedTime(begun);
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait);
            }

            log.Add(Who, step.ToString());
            Done[step.Kind] = Done.GetValueOrDefault(step.Kind) + 1;
            underWay.Add(Task.Run(() => DoAsync(step)));
        }

        await Task.WhenAll(underWay);
    }

    /// <summary>All is as if nothing had happened.</summary>
    public async Task HealAsync()
    {
        network.Heal();
        foreach (TortureNode node in nodes)
        {
            node.Thaw();
        }

        await store.FreeDiskAsync();
        foreach (TortureNode node in nodes)
        {
            await node.UpAsync().WaitAsync(2 * s_patience);
        }

        log.Add(Who, "healed");
    }

    private Task DoAsync(TroubleStep step)
    {
        TortureNode node = nodes[step.Node - 1];
        TortureNode other = nodes[step.Other - 1];
        return step.Kind switch
        {
            TroubleKind.KillNode => Once(node.Kill),
            TroubleKind.KillTwoNodes => Once(() =>
            {
                node.Kill();
                other.Kill();
            }),
            TroubleKind.StopNode => StopAsync(node, step.Length),
            TroubleKind.CutOneWay => ForAsync(NodeNetwork.Cut(step.Node, step.Other), step),
            TroubleKind.LoseFifth => ForAsync(NodeNetwork.Lose(step.Node, LossShare), step),
            TroubleKind.CutFromStore =>
                ForAsync(NodeNetwork.CutFromOutside(step.Node, store.Server!.Port), step),
            TroubleKind.FillDisk => FillAsync(step),
            TroubleKind.StopInsideWrite => StopInsideWriteAsync(),
            TroubleKind.KillServer => KillServerAsync(step),
            TroubleKind.EndSessions => EndSessionsAsync(),
            _ => throw new UnreachableException(step.Kind.ToString()),
        };
    }

    private static Task Once(Action action)
    {
        action();
        return Task.CompletedTask;
    }

    private async Task ForAsync(NodeNetwork.Undo undo, TroubleStep step)
    {
        await Task.Delay(step.Length);
        undo();
        log.Add(Who, $"over: {step.Kind} node-{step.Node} node-{step.Other}");
    }

    private async Task StopAsync(TortureNode node, TimeSpan length)
    {
        int? process = node.ProcessId;
        node.Freeze();
        await Task.Delay(length);

        // Peers may have killed it: it may have had the turn to write. Then the next one is not stopped.
        node.Thaw();
        log.Add(Who, $"{node.Name} (process {process}) may go on");
    }

    private async Task FillAsync(TroubleStep step)
    {
        await _serverTurn.WaitAsync();
        try
        {
            store.FillDisk();
            await Task.Delay(step.Length);
            await store.FreeDiskAsync();
            log.Add(Who, "the disk has room again");
        }
        finally
        {
            _serverTurn.Release();
        }
    }

    private async Task KillServerAsync(TroubleStep step)
    {
        await _serverTurn.WaitAsync();
        try
        {
            await store.Server!.KillAsync();
            await Task.Delay(step.Length);
            await store.Server.RunAsync();
            log.Add(Who, "the server is back");
        }
        finally
        {
            _serverTurn.Release();
        }
    }

    private async Task EndSessionsAsync()
    {
        await _serverTurn.WaitAsync();
        try
        {
            await store.EndSessionsAsync();
        }
        catch (System.Data.Common.DbException fault)
        {
            log.Add(Who, $"EndSessions found no server: {fault.Message}");
        }
        finally
        {
            _serverTurn.Release();
        }
    }

    /// <summary>Stops whoever has the turn to write, looks whether it still has it, and if so leaves it to its
    /// peers, who must kill it.</summary>
    private async Task StopInsideWriteAsync()
    {
        using WriterLock turn = new(store.Path);
        long begun = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begun) < s_patience)
        {
            TortureNode? holder = turn.ReadHolder() is { } stamp
                ? nodes.FirstOrDefault(node => node.ProcessId == stamp.ProcessId)
                : null;
            if (holder is { ProcessId: { } process } && turn.IsHeldBy(process))
            {
                holder.Freeze();
                if (turn.IsHeldBy(process) && holder.ProcessId == process)
                {
                    await KilledByPeersAsync(holder, process);
                    return;
                }

                holder.Thaw();
            }

            await Task.Yield();
        }

        log.Add(Who, "StopInsideWrite met nobody inside of a write");
    }

    private async Task KilledByPeersAsync(TortureNode holder, int process)
    {
        log.Add(Who, $"{holder.Name} (process {process}) was stopped inside of its write");
        StoppedInsideWrite++;
        long begun = Stopwatch.GetTimestamp();
        while (holder.ProcessId == process)
        {
            if (LockHolder.ReadProcess(process) is { State: not ('T' or 'Z') })
            {
                log.Add(Who, $"{holder.Name} goes on: another trouble of it was over");
                return;
            }

            if (Stopwatch.GetElapsedTime(begun) > s_patience)
            {
                holder.Thaw();
                throw new InvalidOperationException(
                    $"Expected the peers of {holder.Name} to kill it, which was stopped inside of its write, found it "
                    + $"alive after {s_patience}.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }

        log.Add(Who, $"{holder.Name} was killed by a peer after {Stopwatch.GetElapsedTime(begun).TotalSeconds:0.00} s");
    }
}
