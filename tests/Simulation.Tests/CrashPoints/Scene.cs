// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using KvmActors.Actors;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;
using KvmActors.TestKit.Guests;
using KvmActors.TestKit.Simulation;
using KvmActors.TestKit.Simulation.Traps;
using Xunit;

namespace KvmActors.Simulation.Tests.CrashPoints;

/// <summary>Three nodes and one VM, which runs on the first, without any trouble but what a test arranges. Each scene
/// is played under several schedules.</summary>
internal sealed class Scene
{
    private const ulong SeedsMax = 3;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_settlesWithin = TimeSpan.FromSeconds(60);
    private readonly List<CommandId> _acknowledged = [];
    private int _commands;

    private Scene(ulong seed, SceneSetup setup)
    {
        World = new SimulatedWorld(seed);
        Cluster = new SimulatedCluster(World, new ModelGuestFactory())
        {
            TickNanoseconds = 100,
            HasFileLocks = setup.HasFileLocks,
            Configure = options => setup.Configure(options with
            {
                SliceTicksMax = 100_000,
                SnapshotIntervalTicks = setup.SnapshotTicks,
                MemorySumIntervalTicks = 10_000_000,
                ProgressInterval = TimeSpan.FromMilliseconds(50),
                LinkTimeout = TimeSpan.FromSeconds(2),
            }),
        };
        One = Cluster.AddNode("node-1", HostVendor.Intel);
        Two = Cluster.AddNode("node-2", HostVendor.Amd);
        Three = Cluster.AddNode("node-3", HostVendor.Intel);
    }

    public static VmId Vm { get; } = VmId.Parse("web");

    public SimulatedWorld World { get; }

    public SimulatedCluster Cluster { get; }

    /// <summary>Has the VM at first.</summary>
    public SimulatedNode One { get; }

    /// <summary>Target of moves.</summary>
    public SimulatedNode Two { get; }

    public SimulatedNode Three { get; }

    public StreamRow Row => Cluster.Ledger.Row(Vm.Stream)!;

    private static ReadOnlyMemory<byte> Image { get; } = new ModelProgram(
        EndAt: 100_000_000_000,
        PrintEvery: 1_700_000,
        WriteEvery: 90_000,
        CallEvery: 2_300_000,
        ReadEvery: 100_000).ToImage();

    /// <summary>Plays it under several schedules.</summary>
    public static void Play(Func<Scene, Task> act, SceneSetup? setup = null)
    {
        for (ulong seed = 1; seed <= SeedsMax; seed++)
        {
            Scene scene = new(seed, setup ?? new SceneSetup());
            scene.World.Run(
                async () =>
                {
                    await scene.BeginAsync();
                    await act(scene);
                },
                TimeSpan.FromMinutes(10));
        }
    }

    /// <summary>The store lost its tail: what was acknowledged may be gone.</summary>
    public void ForgetAcknowledged() => _acknowledged.Clear();

    /// <summary>Makes a VM on the first node, and starts it.</summary>
    public async Task CreateAsync(VmId vm)
    {
        MachineSpec spec = new(1, 64 * 4096, HypercallPatchPolicy.Auto, MachineSpec.TurnTicksDefault);
        VmBlueprint blueprint = new(vm, spec, "model", Image, string.Empty, [], OnNode: null);
        Assert.IsType<ControlReply.Done>(
            await One.AskAsync(new ControlRequest.CreateVm(NextCommand(), blueprint), s_patience));
        Assert.IsType<ControlReply.Done>(await One.AskAsync(
            new ControlRequest.Order(NextCommand(), vm, new VmCommand.Start()), s_patience));
    }

    public async Task UntilSnapshotAsync(ulong id) =>
        await UntilAsync(() => Row.SnapshotId >= id, $"snapshot {id}");

    public CommandId NextCommand() =>
        new("client", (++_commands).ToString(CultureInfo.InvariantCulture));

    /// <summary>Stops a call of a node to the store.</summary>
    public Trap AtStore(SimulatedNode? node, string call, CallStage stage) => Cluster.Traps.SetForStore(
        moment => moment.Stage == stage && moment.Call == call && (node is null || moment.Node == node.Name));

    /// <summary>Stops a commit that holds a record of this kind.</summary>
    public Trap AtCommit(SimulatedNode? node, EventKind kind, CallStage stage) => Cluster.Traps.SetForStore(
        moment => moment.Stage == stage
            && moment.Holds(kind)
            && (node is null || moment.Node == node.Name));

    /// <summary>Stops the commit of a takeover.</summary>
    public Trap AtClaim(SimulatedNode? node, CallStage stage) => Cluster.Traps.SetForStore(
        moment => moment.Stage == stage
            && moment.Transaction?.Takeover is not null
            && (node is null || moment.Node == node.Name));

    /// <summary>Stops a request from one node to another, or its reply.</summary>
    /// <param name="kind">As in <see cref="LinkSummary.Kind"/>.</param>
    public Trap AtLink(SimulatedNode from, SimulatedNode to, string kind, CallStage stage) =>
        Cluster.Traps.SetForLink(moment => moment.Stage == stage
            && moment.From == from.Endpoint
            && moment.To == to.Endpoint
            && moment.Summary.Kind == kind);

    /// <summary>Types at the guest, once.</summary>
    public async Task<ControlReply> TypeAsync(SimulatedNode through, CommandId id, string text = "x")
    {
        ImmutableArray<byte> bytes = [.. Encoding.ASCII.GetBytes(text)];
        ControlReply reply = await through.AskAsync(
            new ControlRequest.Order(id, Vm, new VmCommand.Input(bytes)), s_patience);
        if (reply is ControlReply.Done)
        {
            Assert.Equal(1, Cluster.Ledger.TimesApplied(id));
            _acknowledged.Add(id);
        }

        return reply;
    }

    /// <summary>Types until it is acknowledged, under the same id.</summary>
    public Task<ControlReply> TypeUntilDoneAsync(SimulatedNode through, CommandId id) =>
        UntilAnsweredAsync(() => TypeAsync(through, id));

    public Task<ControlReply> MoveAsync(SimulatedNode through, SimulatedNode to, CommandId? id = null) =>
        through.AskAsync(new ControlRequest.MigrateVm(id ?? NextCommand(), Vm, to.Name), TimeSpan.FromMinutes(2));

    public Task<ControlReply> MoveUntilAnsweredAsync(SimulatedNode through, SimulatedNode to, CommandId id) =>
        UntilAnsweredAsync(() => MoveAsync(through, to, id));

    public static Task<ControlReply> ShowAsync(SimulatedNode through) =>
        through.AskAsync(new ControlRequest.ShowVm(Vm), s_patience);

    /// <summary>Reads the console from here on, once.</summary>
    public static Task<ControlReply> ReadAsync(SimulatedNode through, ulong offset) => through.AskAsync(
        new ControlRequest.ReadConsole(Vm, offset, 1 << 16, TimeSpan.FromSeconds(1)), s_patience);

    public Task PassAsync(TimeSpan time) => World.Time.DelayAsync(time);

    /// <summary>Waits for something that must come.</summary>
    public async Task UntilAsync(Func<bool> condition, string what)
    {
        TimeSpan end = World.Time.Elapsed + s_settlesWithin;
        while (!condition())
        {
            Assert.True(World.Time.Elapsed < end, $"Waited {s_settlesWithin} in vain for {what}.");
            await PassAsync(TimeSpan.FromMilliseconds(5));
        }
    }

    /// <returns>The node that runs the VM by now under this epoch, alone.</returns>
    public async Task<SimulatedNode> RunsUnderAsync(ulong epoch)
    {
        await UntilAsync(
            () => Row.Epoch.Value >= epoch && Cluster.Nodes.Any(node => node.Runs(Vm) && node.Node.Id == Row.Owner),
            $"a node to run {Vm} under epoch {epoch}");
        Assert.Equal(epoch, Row.Epoch.Value);
        return Assert.Single(Cluster.Nodes, node => node.Runs(Vm));
    }

    /// <summary>What must hold behind every crash point: one node runs the VM under this epoch, its guest gets on, it
    /// takes input, and journal, replay, state, memory and console are those of a twin that never failed.</summary>
    public async Task EndsWellAsync(SimulatedNode owner, ulong epoch)
    {
        Assert.Same(owner, await RunsUnderAsync(epoch));
        Assert.Equal((owner.Node.Id, StreamRowState.Owned, null), (Row.Owner, Row.State, Row.Migration));
        ulong before = owner.Node.Board.Find(Vm)!.DurableVmTime;
        await UntilAsync(() => owner.Node.Board.Find(Vm)?.DurableVmTime > before, "the guest to get on");
        Assert.IsType<ControlReply.Done>(await TypeUntilDoneAsync(owner, NextCommand()));
        await UntilAnsweredAsync(
            () => owner.AskAsync(new ControlRequest.Order(NextCommand(), Vm, new VmCommand.Pause()), s_patience));
        await ReadAllAsync(owner);
        Assert.Equal(epoch, Row.Epoch.Value);
        await VerifyAsync();
    }

    private static async Task<ControlReply> UntilAnsweredAsync(Func<Task<ControlReply>> ask)
    {
        while (true)
        {
            ControlReply reply = await ask();
            if (reply is not ControlReply.Refused { Why.Kind: RefusalKind.Unavailable or RefusalKind.Busy })
            {
                return reply;
            }
        }
    }

    private async Task BeginAsync()
    {
        await Cluster.StartAllAsync();
        await CreateAsync(Vm);
        await UntilAsync(() => Cluster.Ledger.DurableConsoleBytes(Vm) > 0, "the guest to put something out");
    }

    private async Task ReadAllAsync(SimulatedNode owner)
    {
        ulong offset = 0;
        while (offset < Cluster.Ledger.DurableConsoleBytes(Vm))
        {
            ControlReply.ConsoleRead read = Assert.IsType<ControlReply.ConsoleRead>(await ReadAsync(owner, offset));
            offset += (ulong)read.Bytes.Length;
        }
    }

    private async Task VerifyAsync()
    {
        foreach (StreamRow row in await Cluster.Store.ReadLockedAsync(Vm, CancellationToken.None))
        {
            Assert.Null(await JournalVerifier.CheckAsync(Cluster.Store, row.Stream, CancellationToken.None));
            Assert.Equal(Cluster.Ledger.Row(row.Stream), row);
        }

        Assert.All(_acknowledged, id => Assert.Equal(1, Cluster.Ledger.TimesApplied(id)));
        ReplayReport replay = await JournalReplayer.ReplayAsync(
            Cluster.Store, Vm, Cluster.Guests, World.Time, progress: null, CancellationToken.None);
        Assert.Null(replay.Divergence);
        VmHistory history = await JournalReplayer.ReadHistoryAsync(Cluster.Store, Vm, CancellationToken.None);
        TwinResult twin = TwinRun.Execute(TwinScript.From(history), Cluster.Guests, Image);
        Assert.Equal((twin.State, twin.Memory, twin.VmTime), (replay.State, replay.Memory, replay.VmTime));
        Assert.Equal(twin.ConsoleSha256, replay.ConsoleSha256);
        byte[] released = [.. Cluster.Output(Vm).Bytes];
        Assert.Equal(twin.ConsoleSha256, Convert.ToHexStringLower(SHA256.HashData(released)));
    }
}
