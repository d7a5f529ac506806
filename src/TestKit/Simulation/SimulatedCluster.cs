// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence;
using KvmActors.Persistence.InMemory;
using KvmActors.Persistence.Membership;
using KvmActors.TestKit.Simulation.Traps;

namespace KvmActors.TestKit.Simulation;

/// <summary>A whole cluster on one seeded thread: real nodes and real actors, a simulated network, a store in memory
/// behind wires that can fail, and processes that can be killed and frozen.</summary>
/// <remarks>After every step it is checked that nothing was written under an old epoch or by a node that does not own
/// the stream, that no command was applied twice, and that a guest ran only on its owner. Every console byte that
/// leaves by <see cref="SimulatedNode.AskAsync"/> is compared with what left before.</remarks>
public sealed class SimulatedCluster : INodeDeathProbe
{
    private readonly List<SimulatedNode> _nodes = [];
    private readonly SortedDictionary<int, SimulatedProcess> _processes = [];
    private readonly Dictionary<VmId, ReleasedOutput> _outputs = [];
    private readonly List<ClusterIncident> _events = [];
    private readonly Dictionary<VmId, (NodeId Node, TimeSpan At)> _lastRuns = [];
    private string? _violation;

    public SimulatedCluster(SimulatedWorld world, IGuestFactory guests)
    {
        ArgumentNullException.ThrowIfNull(world);
        World = world;
        Guests = guests;
        Network = new SimulatedNetwork(world) { Traps = Traps };
        Store = new InMemoryStore(world.Time);
        world.AddInvariant("only the owner writes, in order, and each command once", Ledger.ThrowIfBroken);
        world.AddInvariant("a guest runs only on the node that owns it", ThrowIfStrayGuest);
    }

    public SimulatedWorld World { get; }

    public SimulatedNetwork Network { get; }

    /// <summary>Where calls to the store and between nodes can be stopped.</summary>
    public TrapLine Traps { get; } = new();

    /// <summary>The shared store itself, which never fails: for the test's own look at what is durable.</summary>
    public InMemoryStore Store { get; }

    public ClusterLedger Ledger { get; } = new();

    public IGuestFactory Guests { get; }

    /// <summary>Virtual time of one tick of VM time, in nanoseconds.</summary>
    public double TickNanoseconds { get; init; } = 1;

    /// <summary>Changes what a node is told by its configuration.</summary>
    public Func<ClusterNodeOptions, ClusterNodeOptions> Configure { get; init; } = static options => options;

    /// <summary>Whether the death of a process is seen by its file lock, as on one machine; else by its lease
    /// alone.</summary>
    public bool HasFileLocks { get; init; } = true;

    /// <summary>In the order they were added.</summary>
    public IReadOnlyList<SimulatedNode> Nodes => _nodes;

    /// <summary>What nodes reported, in order.</summary>
    public IReadOnlyList<ClusterIncident> Events => _events;

    public SimulatedNode this[string name] => _nodes.First(node => node.Name == name);

    /// <summary>Adds a node; it does nothing before <see cref="SimulatedNode.StartAsync"/>.</summary>
    /// <param name="clockRate">Seconds of its clock in one second of virtual time.</param>
    public SimulatedNode AddNode(
        string name, HostVendor vendor, CpuidTable? offered = null, double clockRate = 1)
    {
        SimulatedNode node = new(this, name, vendor, offered ?? CpuidTable.Empty, clockRate);
        _nodes.Add(node);
        return node;
    }

    public async Task StartAllAsync()
    {
        foreach (SimulatedNode node in _nodes)
        {
            await node.StartAsync();
        }
    }

    /// <summary>What clients have read of a VM's console.</summary>
    public ReleasedOutput Output(VmId vm)
    {
        if (!_outputs.TryGetValue(vm, out ReleasedOutput? output))
        {
            _outputs[vm] = output = new ReleasedOutput(vm, Ledger);
        }

        return output;
    }

    /// <summary>Where and when the guest of a VM, in service, was last told to run; null before its first
    /// time.</summary>
    public (NodeId Node, TimeSpan At)? LastRun(VmId vm) =>
        _lastRuns.TryGetValue(vm, out (NodeId Node, TimeSpan At) last) ? last : null;

    /// <summary>As the file lock of a node's process: it falls when the process dies, not when it is stopped.</summary>
    public bool IsProvenDead(NodeRow node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return HasFileLocks
            && _processes.TryGetValue(node.ProcessId, out SimulatedProcess? process)
            && !process.IsAlive;
    }

    internal int Enroll(SimulatedProcess process)
    {
        int processId = 1 + _processes.Count;
        _processes.Add(processId, process);
        return processId;
    }

    internal void Report(string node, ClusterEvent happened)
    {
        World.Scheduler.Note($"{node}: {happened}");
        _events.Add(new ClusterIncident(World.Time.Elapsed, node, happened));
    }

    /// <summary>A node that has taken a VM into service runs its guest.</summary>
    internal void OnGuestRun(ClusterNode node, VmId vm)
    {
        if (node.Board.Find(vm) is null)
        {
            // It rebuilds the guest from the journal: that has no effect on anybody, and may be in vain.
            return;
        }

        _lastRuns[vm] = (node.Id, World.Time.Elapsed);
        NodeId? owner = Ledger.Row(vm.Stream)?.Owner;
        if (owner != node.Id)
        {
            _violation ??= $"{node.Id} ran {vm}, which {owner} owns.";
        }

        if (!node.HoldsLease)
        {
            _violation ??= $"{node.Id} ran {vm} after its lease.";
        }
    }

    private void ThrowIfStrayGuest()
    {
        if (_violation is not null)
        {
            throw new InvalidOperationException(_violation);
        }
    }
}
