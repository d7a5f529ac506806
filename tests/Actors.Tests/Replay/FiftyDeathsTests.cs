// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Text;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Tests.Cluster;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Ownership;
using KvmActors.TestKit;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Actors.Tests.Replay;

/// <summary>A guest with two vCPUs, timer interrupts, IPIs and a console that is typed at, whose node is killed fifty
/// times at random points, on nodes of unlike vendors.</summary>
/// <remarks>KVMACTORS_SEED repeats a run.</remarks>
public sealed class FiftyDeathsTests(ITestOutputHelper output)
{
    private const int Deaths = 50;

    /// <summary>A question to a node that dies costs five seconds.</summary>
    private static readonly TimeSpan s_within = TimeSpan.FromMinutes(10);
    private static readonly HostVendor[] s_vendors = [HostVendor.Intel, HostVendor.Amd];

    private readonly List<string> _alive = ["node-1", "node-2"];
    private int _nodes = 2;

    [Fact]
    public void It_is_recovered_every_time_with_the_same_state_and_each_console_byte_once()
    {
        ulong seed = ulong.TryParse(
            Environment.GetEnvironmentVariable("KVMACTORS_SEED"), CultureInfo.InvariantCulture, out ulong given)
            ? given
            : (ulong)Random.Shared.NextInt64();
        output.WriteLine($"KVMACTORS_SEED={seed}");
        TestCluster cluster = EchoCluster.Of(seed, secondRests: true, s_vendors);
        cluster.World.Run(
            async () =>
            {
                await EchoCluster.StartAsync(cluster);
                StringBuilder console = new();
                Task reader = ReadAsync(cluster, console);
                string typed = await HarmAsync(cluster, new SeededRandom(seed));
                await TypeAsync(cluster, "q");
                await reader;

                await AssertOnceAsync(cluster, typed, console.ToString());
            },
            s_within);
    }

    /// <summary>Types and kills in turns. What is typed is all different, as far as letters go.</summary>
    private async Task<string> HarmAsync(TestCluster cluster, SeededRandom random)
    {
        StringBuilder typed = new();
        for (int death = 0; death < Deaths; death++)
        {
            Task typing = Task.CompletedTask;
            if (random.Chance(0.7))
            {
                string word = $"{(char)('a' + (death % 13))}{death}";
                typed.Append(word);
                typing = TypeAsync(cluster, word);
            }

            await cluster.World.Time.DelayAsync(
                random.Between(TimeSpan.FromMicroseconds(10), TimeSpan.FromMilliseconds(12)));
            await KillOwnerAsync(cluster, new Epoch((ulong)death + 1));
            await typing;
        }

        return typed.ToString();
    }

    /// <summary>A new node takes the dead one's place under a name of its own, so that nobody waits for a lease.
    /// </summary>
    private async Task KillOwnerAsync(TestCluster cluster, Epoch epoch)
    {
        StreamRow? row = await cluster.Store.FindAsync(TestCluster.Vm.Stream, CancellationToken.None);
        Assert.Equal(epoch, row!.Epoch);
        string owner = row.Owner!.Value.Name;
        cluster[owner].Process.Kill();
        _ = _alive.Remove(owner);
        string next = $"node-{++_nodes}";
        cluster.Add(next, s_vendors[_nodes % s_vendors.Length], EchoCluster.Offered);
        await cluster[next].StartAsync();
        _alive.Add(next);
        VmStatus status = await cluster.WaitForAsync(_alive[0], status => status.Epoch > epoch);
        Assert.NotEqual(VmLifecycle.Quarantined, status.Lifecycle);
    }

    /// <summary>Sends one command until it is acknowledged.</summary>
    private async Task TypeAsync(TestCluster cluster, string text)
    {
        CommandId id = cluster.NextCommand();
        VmCommand command = new VmCommand.Input([.. text.Select(each => (byte)each)]);
        for (int turn = 0; ; turn++)
        {
            ControlRequest order = new ControlRequest.Order(id, TestCluster.Vm, command);
            if (await TryAskAsync(cluster, turn, order) is ControlReply.Done)
            {
                return;
            }

            await cluster.World.Time.DelayAsync(TimeSpan.FromMilliseconds(3));
        }
    }

    private async Task ReadAsync(TestCluster cluster, StringBuilder console)
    {
        for (int turn = 0; ; turn++)
        {
            ControlReply? reply = await TryAskAsync(cluster, turn, new ControlRequest.ReadConsole(
                TestCluster.Vm, (ulong)console.Length, 500, TimeSpan.FromMilliseconds(50)));
            if (reply is ControlReply.ConsoleRead read)
            {
                Assert.Equal((ulong)console.Length, read.Offset);
                console.Append(Encoding.ASCII.GetString(read.Bytes.Span));
                if (read.IsComplete)
                {
                    return;
                }
            }
            else
            {
                await cluster.World.Time.DelayAsync(TimeSpan.FromMilliseconds(5));
            }
        }
    }

    /// <summary>Asks the living in turns.</summary>
    private Task<ControlReply?> TryAskAsync(TestCluster cluster, int turn, ControlRequest request) =>
        cluster[_alive[turn % _alive.Count]].TryAskAsync(request);

    private async Task AssertOnceAsync(TestCluster cluster, string typed, string console)
    {
        int end = console.IndexOf(' ', StringComparison.Ordinal);
        string dots = string.Concat(console[..end].Where(each => each == '.'));
        Assert.Equal(typed, console[..end].Replace(".", "", StringComparison.Ordinal));
        uint ticks = uint.Parse(
            console.AsSpan(end + " t=".Length, 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        uint ipis = uint.Parse(
            console.AsSpan(end + " t=00000000 i=".Length, 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        Assert.Equal((int)(ticks / 8), dots.Length);
        Assert.True(ipis > 10, $"{ipis} IPIs");

        // Each recovery was a replay to the very hash; now the whole life, and the twin that never died.
        ReplayReport replay = await cluster.ReplayAsync();
        Assert.Null(replay.Divergence);
        Assert.Equal(OneNodeTests.Sha256(console), replay.ConsoleSha256);
        TwinResult twin = await cluster.TwinAsync();
        Assert.Equal((twin.State, twin.Memory), (replay.State, replay.Memory));
        Assert.Equal(twin.ConsoleSha256, replay.ConsoleSha256);
        VmHistory history = await JournalReplayer.ReadHistoryAsync(
            cluster.Store, TestCluster.Vm, CancellationToken.None);
        Assert.Equal(Deaths + 1, history.Events.Count(
            next => next is { Stream.VcpuIndex: < 0, Event: JournalEvent.Placed }));
        output.WriteLine(
            $"{history.Events.Length} events, {replay.StatesCompared} states compared, {replay.VmTime} ticks, "
            + $"{ticks} timer interrupts, {ipis} IPIs, {typed.Length} characters");
    }
}
