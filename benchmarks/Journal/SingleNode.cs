// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine.Time;
using KvmActors.Persistence;
using KvmActors.Persistence.Membership;

namespace KvmActors.Benchmarks.Journal;

/// <summary>A cluster of one node in this process, with the options a node has by default.</summary>
internal sealed class SingleNode : INodeLink, INodeDeathProbe, IClusterObserver, IAsyncDisposable
{
    private readonly ClusterNode _node;

    public SingleNode(IStore store, CpuidTable offered) => _node = new ClusterNode(
        new ClusterNodeOptions("node-1", "node-1", 1, HostVendor.Intel, offered),
        new ClusterNodeServices(
            store,
            TimeProvider.System,
            TaskScheduler.Default,
            this,
            static _ => new PoolRunner(),
            new MachineGuestFactory("benchmark"),
            this,
            this));

    public Task StartAsync() => _node.StartAsync(CancellationToken.None);

    public async Task<ControlReply> AskAsync(ControlRequest request)
    {
        ControlReply reply = await _node.ControlAsync(request, TimeSpan.FromMinutes(1), CancellationToken.None);
        return reply is ControlReply.Refused refused
            ? throw new InvalidOperationException(refused.Why.Sentence)
            : reply;
    }

    public ValueTask<ReadOnlyMemory<byte>> CallAsync(
        string endpoint, ReadOnlyMemory<byte> request, CancellationToken cancellationToken) =>
        throw new LinkException("There is no other node.", LinkOutcome.NotSent);

    public bool IsProvenDead(NodeRow node) => false;

    public void On(ClusterEvent happened)
    {
        if (happened is ClusterEvent.StoreTrouble)
        {
            Console.Error.WriteLine(happened);
        }
    }

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    private sealed class PoolRunner : ISliceRunner
    {
        public Task<SliceResult> RunAsync(Func<SliceResult> slice, CancellationToken cancellationToken) =>
            Task.Run(slice, cancellationToken);
    }
}
