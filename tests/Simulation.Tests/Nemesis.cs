// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using KvmActors.TestKit;
using KvmActors.TestKit.Simulation;

namespace KvmActors.Simulation.Tests;

/// <summary>Does to a cluster what the plan allows, for a while, and then heals everything.</summary>
internal sealed class Nemesis(SimulatedCluster cluster, FaultPlan plan, SeededRandom random)
{
    private readonly List<Task> _recoveries = [];

    public async Task RunAsync(TimeSpan duration)
    {
        cluster.Network.Faults = plan.Link;
        foreach (SimulatedNode node in cluster.Nodes)
        {
            node.StoreFaults = plan.Store;
        }

        TimeSpan end = cluster.World.Time.Elapsed + duration;
        while (cluster.World.Time.Elapsed < end)
        {
            await WaitAsync(TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(900));
            Strike(cluster.Nodes[random.Next(cluster.Nodes.Count)]);
        }

        await HealAsync();
    }

    private void Strike(SimulatedNode node)
    {
        switch (random.Next(6))
        {
            case 0 when plan.Kills && node.IsUp && cluster.Nodes.Count(other => other.IsUp) > 1:
                node.Kill();
                break;
            case 1 when plan.Freezes && node.IsUp && !node.IsFrozen:
                _recoveries.Add(FreezeAsync(node));
                break;
            case 2 when plan.Cuts:
                _recoveries.Add(CutAsync(node));
                break;
            case 3 when plan.StoreOutages && !node.IsStoreOut:
                _recoveries.Add(OutageAsync(node));
                break;
            case 4 when plan.WholeOutages && !cluster.IsStoreOut:
                _recoveries.Add(WholeOutageAsync());
                break;
            default:
                break;
        }
    }

    /// <summary>Restarts a node a while after it died, whoever killed it.</summary>
    public async Task KeepAliveAsync(SimulatedNode node, Func<bool> isOver)
    {
        while (!isOver())
        {
            await WaitAsync(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(100));
            if (!node.IsAlive)
            {
                await WaitAsync(TimeSpan.Zero, TimeSpan.FromSeconds(2));
                await node.StartAsync();
            }
        }
    }

    private async Task FreezeAsync(SimulatedNode node)
    {
        node.Freeze();
        await WaitAsync(TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(6));
        node.Thaw();
    }

    private async Task CutAsync(SimulatedNode node)
    {
        SimulatedNode other = cluster.Nodes[random.Next(cluster.Nodes.Count)];
        if (random.Chance(0.5))
        {
            cluster.Network.Cut(node.Endpoint, other.Endpoint);
        }
        else
        {
            cluster.Network.Isolate(node.Endpoint);
        }

        await WaitAsync(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(3));
        cluster.Network.HealAll();
    }

    private async Task OutageAsync(SimulatedNode node)
    {
        node.IsStoreOut = true;
        await WaitAsync(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5));
        node.IsStoreOut = false;
    }

    private async Task WholeOutageAsync()
    {
        cluster.IsStoreOut = true;
        await WaitAsync(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5));
        cluster.IsStoreOut = false;
    }

    private async Task HealAsync()
    {
        cluster.Network.HealAll();
        cluster.Network.Faults = LinkFaults.None;
        foreach (SimulatedNode node in cluster.Nodes)
        {
            node.StoreFaults = StoreFaults.None;
        }

        await Task.WhenAll(_recoveries);
        cluster.HealedSince = cluster.World.Time.Elapsed;
    }

    private Task WaitAsync(TimeSpan least, TimeSpan most) =>
        cluster.World.Time.DelayAsync(random.Between(least, most));
}
