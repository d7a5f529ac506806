// SPDX-License-Identifier: Apache-2.0

using System.Security.Cryptography;
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
using KvmActors.Persistence.Events;
using KvmActors.Persistence.InMemory;
using KvmActors.Persistence.Membership;
using KvmActors.Samples.Guests;
using Xunit;

namespace KvmActors.Actors.Tests.Cluster;

/// <summary>The story of the demo in one process: real machines, threads and time.</summary>
public sealed class StoryTests
{
    private static readonly VmId s_vm = VmId.Parse("demo");
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <param name="gateRound">Where the guest waits for its key, which comes only when its node is dead: on no machine
    /// it ends before, whether it comes to its gate before the move, during it, or after the takeover.</param>
    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(39)]
    public async Task A_real_guest_survives_a_move_to_the_other_vendor_and_the_death_of_its_node(int gateRound)
    {
        StoryGuestSize size = new(Rounds: 40, BufferBytes: 16 * 1024, SegmentNumbers: 32 * 1024)
        {
            GateRound = gateRound,
        };
        byte[] image = StoryGuest.Build(HostVendor.Intel, size);
        CpuidTable offered = CpuidVetting.CutToEngine(HostCpuid.Read());
        await using InMemoryStore store = new(TimeProvider.System);
        Surroundings around = new(store);
        ClusterNode[] nodes =
        [
            await around.StartAsync("node-1", HostVendor.Intel, offered),
            await around.StartAsync("node-2", HostVendor.Amd, offered),
            await around.StartAsync("node-3", HostVendor.Intel, offered),
        ];
        MachineSpec spec = new(1, StoryGuest.MemoryBytesMin, HypercallPatchPolicy.Auto, MachineSpec.TurnTicksDefault);
        await DoneAsync(nodes[0], new ControlRequest.CreateVm(
            Id("create"), new VmBlueprint(s_vm, spec, "story", image, string.Empty, [offered], OnNode: null)));
        await DoneAsync(nodes[0], new ControlRequest.Order(Id("start"), s_vm, new VmCommand.Start()));
        Task<byte[]> console = ReadConsoleAsync(nodes[2]);

        await IsSeenAsync(nodes[2], static status => status.VmTime > 4_000_000);
        ControlReply moved = await AskAsync(
            nodes[2], new ControlRequest.MigrateVcpu(Id("move"), s_vm.Vcpu(0), "node-2"));
        Assert.False(moved is ControlReply.Refused, moved.ToString());
        MigrationReport report = Assert.IsType<ControlReply.Migrated>(moved).Report;
        Assert.InRange(report.Downtime!.Total, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        await IsSeenAsync(nodes[2], static status => !status.Patches.IsEmpty);
        around.Kill("node-2");
        await IsSeenAsync(nodes[2], static status => status.Epoch == new Epoch(3));
        await KeyAsync(nodes[2]);
        byte[] text = await console;

        VmStatus end = Assert.IsType<ControlReply.Shown>(
            await AskAsync(nodes[2], new ControlRequest.ShowVm(s_vm))).Status;
        Assert.Equal((VmLifecycle.Ended, 1, new Epoch(3)), (end.Lifecycle, end.ExitCode, end.Epoch));
        Assert.Contains(end.Patches, patch => patch.Node!.Value.Name == "node-2");
        ReplayReport replay = await JournalReplayer.ReplayAsync(
            store, s_vm, around.Guests, TimeProvider.System, progress: null, CancellationToken.None);
        Assert.Null(replay.Divergence);
        VmHistory history = await JournalReplayer.ReadHistoryAsync(store, s_vm, CancellationToken.None);
        TwinResult twin = TwinRun.Execute(TwinScript.From(history), around.Guests, image);
        Assert.Equal((twin.State, twin.Memory), (replay.State, replay.Memory));
        Assert.Equal(twin.ConsoleSha256, Convert.ToHexStringLower(SHA256.HashData(text)));
        string told = Encoding.ASCII.GetString(text);
        Assert.Equal(2, told.Split($"\n{StoryGuest.GateLine}\nstory: took key 0x6b\n").Length);
        Assert.Contains(" failures=0\n", told, StringComparison.Ordinal);
        foreach (ClusterNode node in nodes)
        {
            await node.DisposeAsync();
        }
    }

    private static CommandId Id(string command) => new("story", command);

    private static Task<ControlReply> AskAsync(ClusterNode node, ControlRequest request) =>
        node.ControlAsync(request, s_patience, CancellationToken.None);

    private static async Task DoneAsync(ClusterNode node, ControlRequest request) =>
        Assert.IsType<ControlReply.Done>(await AskAsync(node, request));

    /// <summary>Sends the guest its key. A node that has just taken over may not be able to answer yet.</summary>
    private static async Task KeyAsync(ClusterNode node)
    {
        using CancellationTokenSource late = new(s_patience);
        ControlRequest.Order key = new(Id("key"), s_vm, new VmCommand.Input([(byte)'k']));
        while (await AskAsync(node, key) is not ControlReply.Done)
        {
            await TimeProvider.System.DelayAsync(TimeSpan.FromMilliseconds(5), late.Token);
        }
    }

    private static async Task IsSeenAsync(ClusterNode node, Func<VmStatus, bool> condition)
    {
        using CancellationTokenSource late = new(s_patience);
        while (await AskAsync(node, new ControlRequest.ShowVm(s_vm)) is not ControlReply.Shown shown
            || !condition(shown.Status))
        {
            await TimeProvider.System.DelayAsync(TimeSpan.FromMilliseconds(5), late.Token);
        }
    }

    private static async Task<byte[]> ReadConsoleAsync(ClusterNode node)
    {
        List<byte> text = [];
        using CancellationTokenSource late = new(s_patience);
        while (true)
        {
            ControlReply reply = await AskAsync(node, new ControlRequest.ReadConsole(
                s_vm, (ulong)text.Count, 4096, TimeSpan.FromSeconds(1)));
            if (reply is ControlReply.ConsoleRead read)
            {
                Assert.Equal((ulong)text.Count, read.Offset);
                text.AddRange(read.Bytes.Span);
                if (read.IsComplete)
                {
                    return [.. text];
                }
            }
            else
            {
                await TimeProvider.System.DelayAsync(TimeSpan.FromMilliseconds(20), late.Token);
            }
        }
    }

    /// <summary>Links, locks and threads of nodes that share a process.</summary>
    private sealed class Surroundings(IStore store) : INodeLink, INodeDeathProbe, IClusterObserver
    {
        private readonly Dictionary<string, ClusterNode> _nodes = [];
        private readonly HashSet<string> _dead = [];

        public MachineGuestFactory Guests { get; } = new("test");

        public async Task<ClusterNode> StartAsync(string name, HostVendor vendor, CpuidTable offered)
        {
            ClusterNodeOptions options = new(name, name, 1, vendor, offered) { SnapshotIntervalTicks = 30_000_000 };
            ClusterNode node = new(options, new ClusterNodeServices(
                store,
                TimeProvider.System,
                TaskScheduler.Default,
                this,
                static _ => new PoolRunner(),
                Guests,
                this,
                this));
            lock (_nodes)
            {
                _nodes[name] = node;
            }

            Assert.IsType<RegisterResult.Registered>(await node.StartAsync(CancellationToken.None));
            return node;
        }

        public void Kill(string name)
        {
            lock (_nodes)
            {
                _dead.Add(name);
                _nodes[name].Abandon();
            }
        }

        public bool IsProvenDead(NodeRow node)
        {
            lock (_nodes)
            {
                return _dead.Contains(node.Id.Name);
            }
        }

        public async ValueTask<ReadOnlyMemory<byte>> CallAsync(
            string endpoint, ReadOnlyMemory<byte> request, CancellationToken cancellationToken)
        {
            ClusterNode node;
            lock (_nodes)
            {
                node = _dead.Contains(endpoint)
                    ? throw new LinkException($"{endpoint} is dead.", LinkOutcome.NotSent)
                    : _nodes[endpoint];
            }

            return await node.HandleLinkAsync(request, cancellationToken);
        }

        public void On(ClusterEvent happened)
        {
        }
    }

    private sealed class PoolRunner : ISliceRunner
    {
        public Task<SliceResult> RunAsync(Func<SliceResult> slice, CancellationToken cancellationToken) =>
            Task.Run(slice, cancellationToken);
    }
}
