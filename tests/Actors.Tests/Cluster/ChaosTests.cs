// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Text;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Hypercalls;
using KvmActors.TestKit;
using KvmActors.TestKit.Guests;
using KvmActors.TestKit.Simulation;
using Xunit;

namespace KvmActors.Actors.Tests.Cluster;

/// <summary>Three nodes of unlike vendors, a guest, and all that can go wrong, from a seed. More seeds:
/// KVMACTORS_CHAOS_SEEDS=1000-1500.</summary>
public sealed class ChaosTests
{
    private static readonly HostVendor[] s_vendors = [HostVendor.Intel, HostVendor.Amd, HostVendor.Intel];

    private static readonly ModelProgram s_program = TestCluster.Program with { EndAt = 150_000_000 };

    public static TheoryData<ulong> Seeds()
    {
        string[] range = (Environment.GetEnvironmentVariable("KVMACTORS_CHAOS_SEEDS") ?? "1-6").Split('-');
        TheoryData<ulong> seeds = [];
        ulong last = ulong.Parse(range[1], CultureInfo.InvariantCulture);
        for (ulong seed = ulong.Parse(range[0], CultureInfo.InvariantCulture); seed <= last; seed++)
        {
            seeds.Add(seed);
        }

        return seeds;
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Whatever_fails_the_guest_ends_as_its_twin_and_every_byte_is_read_once(ulong seed)
    {
        TestCluster cluster = new(seed, s_vendors);

        cluster.World.Run(
            async () =>
            {
                await cluster.StartAllAsync();
                await cluster.CreateAsync("node-1", program: s_program);
                await cluster.OrderAsync("node-1", new VmCommand.Start());
                StringBuilder console = new();
                Task reader = ReadAsync(cluster, console);
                await HarmAsync(cluster, cluster.World.Random.Fork());

                await reader;
                Assert.Equal(
                    (await cluster.TwinAsync(s_program)).ConsoleSha256, OneNodeTests.Sha256(console.ToString()));
                await MigrationTests.AssertEqualToTwinAsync(cluster, s_program);
            },
            TimeSpan.FromMinutes(10));
    }

    private static async Task ReadAsync(TestCluster cluster, StringBuilder console)
    {
        for (int turn = 0; ; turn++)
        {
            TestNode node = cluster[$"node-{(turn % s_vendors.Length) + 1}"];
            ControlReply? reply = await node.TryAskAsync(new ControlRequest.ReadConsole(
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
                await cluster.World.Time.DelayAsync(TimeSpan.FromMilliseconds(10));
            }
        }
    }

    private static async Task HarmAsync(TestCluster cluster, SeededRandom random)
    {
        for (int deed = 0; deed < 25; deed++)
        {
            await cluster.World.Time.DelayAsync(
                random.Between(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(40)));
            string name = $"node-{random.Next(s_vendors.Length) + 1}";
            switch (random.Next(7))
            {
                case 0:
                    await RestartAsync(cluster, name, random);
                    break;
                case 1 when cluster[name].Process.IsAlive:
                    cluster[name].Process.Freeze();
                    await cluster.World.Time.DelayAsync(random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(6)));
                    cluster[name].Process.Thaw();
                    break;
                case 2:
                    cluster[name].Store.IsOut = true;
                    await cluster.World.Time.DelayAsync(random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(6)));
                    cluster[name].Store.IsOut = false;
                    break;
                case 3:
                    cluster.Network.Isolate($"{name}:1");
                    await cluster.World.Time.DelayAsync(random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(2)));
                    cluster.Network.HealAll();
                    break;
                case 4:
                    cluster[name].Store.Faults = Faulty(random);
                    break;
                default:
                    string to = $"node-{random.Next(s_vendors.Length) + 1}";
                    ControlRequest move = new ControlRequest.MigrateVcpu(
                        cluster.NextCommand(), TestCluster.Vm.Vcpu(0), to);
                    _ = cluster[name].TryAskAsync(move);
                    break;
            }

            await ReviveAsync(cluster);
        }

        foreach (int node in (int[])[1, 2, 3])
        {
            cluster[$"node-{node}"].Store.Faults = StoreFaults.None;
        }
    }

    private static StoreFaults Faulty(SeededRandom random) => StoreFaults.None with
    {
        RefuseChance = random.NextDouble() * 0.05,
        LoseRequestChance = random.NextDouble() * 0.05,
        LoseReplyChance = random.NextDouble() * 0.05,
        LateChance = random.NextDouble() * 0.05,
        LateBy = random.Between(TimeSpan.Zero, TimeSpan.FromMilliseconds(100)),
    };

    private static async Task RestartAsync(TestCluster cluster, string name, SeededRandom random)
    {
        cluster[name].Process.Kill();
        await cluster.World.Time.DelayAsync(random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(2)));
        cluster.Add(name, s_vendors[int.Parse(name[5..], CultureInfo.InvariantCulture) - 1]);
        while (!await cluster[name].TryStartAsync())
        {
            await cluster.World.Time.DelayAsync(TimeSpan.FromMilliseconds(100));
        }
    }

    /// <summary>A process that learns that it was declared dead ends; its supervisor starts it anew.</summary>
    private static async Task ReviveAsync(TestCluster cluster)
    {
        for (int node = 1; node <= s_vendors.Length; node++)
        {
            if (cluster[$"node-{node}"].Node.DeclaredDead.IsCompleted)
            {
                await RestartAsync(cluster, $"node-{node}", new SeededRandom(cluster.World.Random.NextUInt64()));
            }
        }
    }
}
