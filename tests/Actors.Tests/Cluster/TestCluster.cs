// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Text;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Migration;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Machine.Time;
using KvmActors.Persistence;
using KvmActors.Persistence.InMemory;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Snapshots;
using KvmActors.TestKit.Guests;
using KvmActors.TestKit.Simulation;
using Xunit;

namespace KvmActors.Actors.Tests.Cluster;

/// <summary>Nodes of one cluster on one seeded thread, with model guests.</summary>
internal sealed class TestCluster : IClusterObserver, INodeDeathProbe
{
    public static readonly ModelProgram Program = new(
        EndAt: 60_000_000, PrintEvery: 1_700_000, WriteEvery: 90_000, CallEvery: 2_300_000, ReadEvery: 500_000);

    private readonly Dictionary<string, TestNode> _nodes = new(StringComparer.Ordinal);
    private readonly List<TestNode> _lives = [];
    private int _commands;

    public TestCluster(ulong seed, params HostVendor[] vendors)
    {
        World = new SimulatedWorld(seed);
        Network = new SimulatedNetwork(World);
        Store = new InMemoryStore(World.Time);
        for (int index = 0; index < vendors.Length; index++)
        {
            Add($"node-{index + 1}", vendors[index]);
        }
    }

    /// <summary>Which snapshots stay; null: all.</summary>
    public SnapshotRetention? Retention { get; init; }

    /// <summary>Zero: a snapshot at every interval, whatever the simulated store takes for it.</summary>
    public TimeSpan SnapshotWaitMax { get; init; } = TimeSpan.Zero;

    public MigrationLimits Migration { get; init; } = MigrationLimits.Default;

    public SimulatedWorld World { get; }

    public SimulatedNetwork Network { get; }

    public InMemoryStore Store { get; }

    public FailingGuests Guests { get; } = new();

    /// <summary>Boot image of a real machine, whose guests <see cref="FailingGuests.Inner"/> then makes.</summary>
    public byte[]? Image { get; init; }

    public List<(string Node, ClusterEvent Event)> Events { get; } = [];

    public static VmId Vm { get; } = VmId.Parse("demo");

    public TestNode this[string name] => _nodes[name];

    public CommandId NextCommand() => new("test", $"{++_commands}");

    public async Task StartAllAsync()
    {
        foreach (TestNode node in _nodes.Values)
        {
            await node.StartAsync();
        }
    }

    public TestNode Add(
        string name,
        HostVendor vendor,
        CpuidTable? offered = null,
        ulong? memoryBytesMax = null,
        int? writeVersion = null)
    {
        SimulatedProcess process = World.StartProcess(name);
        FaultyStore store = new(Store, World.Scheduler.Root, World.Time, World.Random.Fork());
        ClusterNodeOptions options = new(name, $"{name}:1", 100 + _nodes.Count, vendor, offered ?? CpuidTable.Empty)
        {
            SliceTicksMax = 1_000_000,
            SnapshotIntervalTicks = 20_000_000,
            MemorySumIntervalTicks = 20_000_000,
            SnapshotWaitMax = SnapshotWaitMax,
            SnapshotTicksMax = 60_000_000,
            ProgressInterval = TimeSpan.FromMilliseconds(5),
            SnapshotRetention = Retention,
            Migration = Migration,
        };
        options = options with
        {
            GuestMemoryBytesMax = memoryBytesMax ?? options.GuestMemoryBytesMax,
            WriteVersion = writeVersion ?? options.WriteVersion,
        };
        TestNode node = new(this, process, store, options);
        _nodes[name] = node;
        _lives.Add(node);
        return node;
    }

    public Task<ControlReply> CreateAsync(
        string node,
        CommandId? id = null,
        ModelProgram? program = null,
        CpuidDialect dialect = CpuidDialect.Kvm,
        CpuidTable? cpuid = null,
        MachineSpec? spec = null) =>
        this[node].AskAsync(new ControlRequest.CreateVm(
            id ?? NextCommand(),
            new VmBlueprint(
                Vm,
                spec ?? new MachineSpec(1, 64 * 4096, HypercallPatchPolicy.Auto, MachineSpec.TurnTicksDefault)
                {
                    CpuidDialect = dialect,
                },
                "model",
                Image ?? (program ?? Program).ToImage(),
                string.Empty,
                cpuid is null ? [] : CpuidPlacement.OfAll(cpuid, spec?.VcpuCount ?? 1),
                OnNode: null)));

    public Task<ControlReply> OrderAsync(string node, VmCommand command, CommandId? id = null) =>
        this[node].AskAsync(new ControlRequest.Order(id ?? NextCommand(), Vm, command));

    public Task<ControlReply> MigrateAsync(string node, string to, CommandId? id = null) =>
        this[node].AskAsync(new ControlRequest.MigrateVcpu(id ?? NextCommand(), Vm.Vcpu(0), to));

    public async Task<VmStatus> ShowAsync(string node) =>
        ((ControlReply.Shown)await this[node].AskAsync(new ControlRequest.ShowVm(Vm))).Status;

    /// <summary>Waits until the VM is seen to be so, through this node.</summary>
    public async Task<VmStatus> WaitForAsync(string node, Func<VmStatus, bool> condition)
    {
        while (true)
        {
            if (await this[node].AskAsync(new ControlRequest.ShowVm(Vm)) is ControlReply.Shown shown
                && condition(shown.Status))
            {
                return shown.Status;
            }

            await World.Time.DelayAsync(TimeSpan.FromMilliseconds(1));
        }
    }

    /// <summary>Reads the console through a node to its end, as a client that survives failovers.</summary>
    public async Task<string> ReadConsoleAsync(string node)
    {
        StringBuilder text = new();
        while (true)
        {
            ControlReply reply = await this[node].AskAsync(new ControlRequest.ReadConsole(
                Vm, (ulong)text.Length, 1000, TimeSpan.FromMilliseconds(100)));
            if (reply is ControlReply.ConsoleRead read)
            {
                Assert.Equal((ulong)text.Length, read.Offset);
                text.Append(Encoding.ASCII.GetString(read.Bytes.Span));
                if (read.IsComplete)
                {
                    return text.ToString();
                }
            }
            else
            {
                Assert.Equal(RefusalKind.Unavailable, Assert.IsType<ControlReply.Refused>(reply).Why.Kind);
                await World.Time.DelayAsync(TimeSpan.FromMilliseconds(20));
            }
        }
    }

    public async Task<ReplayReport> ReplayAsync() => await JournalReplayer.ReplayAsync(
        Store, Vm, Guests, World.Time, progress: null, CancellationToken.None);

    /// <summary>The never-failed twin of what the journal tells.</summary>
    public async Task<TwinResult> TwinAsync(ModelProgram? program = null)
    {
        VmHistory history = await JournalReplayer.ReadHistoryAsync(Store, Vm, CancellationToken.None);
        return TwinRun.Execute(TwinScript.From(history), Guests, Image ?? (program ?? Program).ToImage());
    }

    public void On(ClusterEvent happened) => Events.Add(("?", happened));

    /// <summary>Model guests unless told otherwise, one of which throws in its next slice where that is asked for: an
    /// engine with a defect.</summary>
    internal sealed class FailingGuests : IGuestFactory
    {
        public IGuestFactory Inner { get; set; } = new ModelGuestFactory();

        public bool FailsNextSlice { get; set; }

        public string Engine => Inner.Engine;

        public IGuest Create(
            MachineSpec spec,
            ImmutableArray<CpuidTable> cpuid,
            HostVendor vendor,
            GuestImage image) => Inner.Create(spec, cpuid, vendor, image);

        public IGuest Restore(
            MachineSpec spec, MachineState state, IEnumerable<(int PageNumber, ReadOnlyMemory<byte> Bytes)> pages) =>
            Inner.Restore(spec, state, pages);

        public void FailIfAsked()
        {
            if (FailsNextSlice)
            {
                FailsNextSlice = false;
                throw new InvalidOperationException("The engine failed, as this test asked it to.");
            }
        }
    }

    public bool IsProvenDead(NodeRow node) => _lives.Any(life => life.Id == node.Id && !life.Process.IsAlive);
}

/// <summary>One node of a <see cref="TestCluster"/>.</summary>
internal sealed class TestNode : IClusterObserver
{
    private readonly TestCluster _cluster;

    public TestNode(TestCluster cluster, SimulatedProcess process, FaultyStore store, ClusterNodeOptions options)
    {
        _cluster = cluster;
        Process = process;
        Store = store;
        SimulatedLink link = cluster.Network.Attach(
            process, options.Endpoint, async (request, stop) => await Node!.HandleLinkAsync(request, stop));
        Node = new ClusterNode(
            options,
            new ClusterNodeServices(
                store,
                process.Clock,
                process.Executor,
                link,
                _ => new InlineRunner(process.Clock, cluster.Guests),
                cluster.Guests,
                cluster,
                this,
                process.ActorOptions.Observer));
        process.OnKilled(Node.Abandon);
    }

    public ClusterNode Node { get; }

    public SimulatedProcess Process { get; }

    public FaultyStore Store { get; }

    /// <summary>Null before it has joined.</summary>
    public NodeId? Id { get; private set; }

    /// <summary>As the node's own process would: on its executor.</summary>
    public Task<ControlReply> AskAsync(ControlRequest request) => Process.Executor.Factory.StartNew(
        () => Node.ControlAsync(request, TimeSpan.FromMinutes(1), CancellationToken.None)).Unwrap();

    /// <summary>As <see cref="AskAsync"/>, of a node that may be dead or in trouble: then null, after five seconds at
    /// the latest.</summary>
    public async Task<ControlReply?> TryAskAsync(ControlRequest request)
    {
        if (Id is null || !Process.IsAlive)
        {
            return null;
        }

        Task<ControlReply> asked = AskAsync(request);
        Task late = _cluster.World.Time.DelayAsync(TimeSpan.FromSeconds(5));
        return await Task.WhenAny(asked, late) == asked && asked.IsCompletedSuccessfully ? await asked : null;
    }

    public async Task StartAsync() => Assert.True(await TryStartAsync());

    /// <returns>False where a namesake still holds the name, or the store gave no answer.</returns>
    public Task<bool> TryStartAsync() => Process.Executor.Factory.StartNew(async () =>
    {
        try
        {
            RegisterResult result = await Node.StartAsync(CancellationToken.None);
            Id = (result as RegisterResult.Registered)?.Id;
            return Id is not null;
        }
        catch (StoreUnavailableException)
        {
            return false;
        }
    }).Unwrap();

    public Task StopAsync() => Process.Executor.Factory.StartNew(() => Node.StopAsync()).Unwrap();

    /// <summary>As its process does when it is asked to stop.</summary>
    public Task<DrainStatus> DrainAsync() => Process.Executor.Factory.StartNew(
        () => Node.DrainAsync(CancellationToken.None)).Unwrap();

    public void On(ClusterEvent happened) => _cluster.Events.Add((Process.Name, happened));

    /// <summary>Computes on the seeded thread; a tick then takes a nanosecond of virtual time.</summary>
    private sealed class InlineRunner(TimeProvider clock, TestCluster.FailingGuests guests) : ISliceRunner
    {
        private ulong _vmTime;

        public async Task<SliceResult> RunAsync(Func<SliceResult> slice, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            guests.FailIfAsked();
            SliceResult result = slice();
            ulong ticks = result.VmTime > _vmTime ? Math.Min(result.VmTime - _vmTime, 100_000_000) : 0;
            _vmTime = result.VmTime;
            await clock.DelayAsync(TimeSpan.FromMicroseconds(10 + (ticks / 1000.0)), CancellationToken.None);
            return result;
        }
    }
}
