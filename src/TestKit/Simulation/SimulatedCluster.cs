// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence;
using KvmActors.Persistence.InMemory;
using KvmActors.Persistence.Membership;
using KvmActors.TestKit.Simulation.Invariants;
using KvmActors.TestKit.Simulation.Traps;

namespace KvmActors.TestKit.Simulation;

/// <summary>A whole cluster on one seeded thread: real nodes and real actors, a simulated network, a store in memory
/// behind wires that can fail, and processes that can be killed and frozen.</summary>
/// <remarks>After every step the invariants of the protocol are checked (see the folder Invariants); one that breaks
/// ends the run, with the last events of every node in a file (<see cref="FlightRecorder"/>).</remarks>
public sealed class SimulatedCluster : INodeDeathProbe
{
    private readonly List<SimulatedNode> _nodes = [];
    private readonly SortedDictionary<int, SimulatedProcess> _processes = [];
    private readonly Dictionary<VmId, ReleasedOutput> _outputs = [];
    private readonly List<ClusterIncident> _events = [];
    private readonly Dictionary<VmId, (NodeId Node, TimeSpan At)> _lastRuns = [];
    private readonly Dictionary<NodeId, SimulatedProcess> _lives = [];
    private readonly HashSet<(VmId Vm, ulong Id)> _damagedSnapshots = [];
    private readonly FlightRecorder _recorder;
    private TimeSpan? _outSince;

    public SimulatedCluster(SimulatedWorld world, IGuestFactory guests)
    {
        ArgumentNullException.ThrowIfNull(world);
        World = world;
        Guests = guests;
        Network = new SimulatedNetwork(world) { Traps = Traps };
        Store = new InMemoryStore(world.Time);
        Invariants = new InvariantSet(this);
        world.AddInvariant("an invariant of the protocol", Invariants.ThrowIfBroken);
        _recorder = new FlightRecorder(world);
        world.OnFailure = _recorder.Write;
        Traps.OnStore += moment => _recorder.Add(moment.Node, moment);
        Traps.OnLink += moment => _recorder.Add(
            NameAt(moment.Stage is CallStage.Leaving or CallStage.Returning ? moment.From : moment.To), moment);
    }

    public SimulatedWorld World { get; }

    public SimulatedNetwork Network { get; }

    /// <summary>Where calls to the store and between nodes can be stopped.</summary>
    public TrapLine Traps { get; } = new();

    /// <summary>The shared store itself, which never fails: for the test's own look at what is durable.</summary>
    public InMemoryStore Store { get; private set; }

    public ClusterLedger Ledger { get; } = new();

    public IGuestFactory Guests { get; }

    /// <summary>Virtual time of one tick of VM time, in nanoseconds.</summary>
    public double TickNanoseconds { get; init; } = 1;

    /// <summary>Changes what a node is told by its configuration.</summary>
    public Func<ClusterNodeOptions, ClusterNodeOptions> Configure { get; init; } = static options => options;

    /// <summary>Whether the death of a process is seen by its file lock, as on one machine; else by its lease
    /// alone.</summary>
    public bool HasFileLocks { get; init; } = true;

    /// <summary>The rules of the shared store. Others than the default ones serve to see whether an invariant would
    /// break.</summary>
    public StoreRules Rules
    {
        get => Store.Rules;
        init => Store = new InMemoryStore(World.Time) { Rules = value };
    }

    /// <summary>What stands between a node and its way to the store.</summary>
    public Func<SimulatedCluster, IStore, IStore> NodeStore { get; init; } = static (_, store) => store;

    /// <summary>What stands between the wire and the shared store: all nodes share the last part of the way.</summary>
    public Func<SimulatedCluster, IStore, IStore> ServerStore { get; init; } = static (_, store) => store;

    /// <summary>Makes the gate of a node from the clock of its process.</summary>
    public Func<TimeProvider, LeaseGate> Gates { get; init; } = static clock => new LeaseGate(clock);

    /// <summary>Whether a file lock is taken for free where its process is only stopped: a false proof of
    /// death.</summary>
    public bool TakesStoppedForDead { get; init; }

    /// <summary>Whether nobody reaches the store.</summary>
    public bool IsStoreOut
    {
        get => _outSince is not null;
        set
        {
            if (value == IsStoreOut)
            {
                return;
            }

            World.Scheduler.Note(value ? "the store is away" : "the store is back");
            LastOutage = _outSince is { } since ? (World.Time.Elapsed - since, World.Time.Elapsed) : LastOutage;
            _outSince = value ? World.Time.Elapsed : null;
            foreach (SimulatedNode node in _nodes)
            {
                node.ApplyStoreFaults();
            }
        }
    }

    /// <summary>The last outage of the whole store that is over.</summary>
    public (TimeSpan Length, TimeSpan End)? LastOutage { get; private set; }

    /// <summary>Since when nothing has been done to the cluster, and every guest must get on; null while there may be
    /// trouble.</summary>
    public TimeSpan? HealedSince { get; set; }

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
            && (!process.IsAlive || (TakesStoppedForDead && process.Executor.IsFrozen));
    }

    /// <summary>From here on the stored bytes of a snapshot do not fit their checksum.</summary>
    public void DamageSnapshot(VmId vm, ulong id) => _damagedSnapshots.Add((vm, id));

    /// <summary>The store forgets what became durable since the copy was made.</summary>
    public async Task LoseTailAsync(InMemoryStoreCopy copy)
    {
        World.Scheduler.Note("the store has lost its tail");
        Store.GoBackTo(copy);
        Ledger.GoBackTo(await Store.ListAsync(CancellationToken.None));
        Invariants.TailLost();
        foreach ((VmId vm, ReleasedOutput output) in _outputs)
        {
            output.ForgetBehind(Ledger.DurableConsoleBytes(vm));
        }
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
        _recorder.Add(node.Split('.')[0], happened);
        Invariants.Reported(node, happened);
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
        Invariants.GuestRuns(node.Id, vm);
    }

    internal InvariantSet Invariants { get; }

    internal IReadOnlySet<(VmId Vm, ulong Id)> DamagedSnapshots => _damagedSnapshots;

    /// <summary>A process has got this id.</summary>
    internal void Named(NodeId node, SimulatedProcess process) => _lives[node] = process;

    internal bool IsProcessAlive(NodeId node) =>
        _lives.TryGetValue(node, out SimulatedProcess? process) && process.IsAlive;

    internal void ForgetOutput(VmId vm) => _outputs.Remove(vm);

    private static string NameAt(string endpoint) => endpoint.Split(':')[0];
}
