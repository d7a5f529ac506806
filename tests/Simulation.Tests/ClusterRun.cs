// SPDX-License-Identifier: Apache-2.0

using System.Security.Cryptography;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Replay;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence;
using KvmActors.Persistence.InMemory;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;
using KvmActors.Simulation.Tests.Mutations;
using KvmActors.TestKit;
using KvmActors.TestKit.Simulation;
using Xunit;

namespace KvmActors.Simulation.Tests;

/// <summary>One life of a small cluster from a seed: three nodes of two vendors, a few guests, clients, and trouble.
/// After the trouble everything must come to its end within a bounded time, and be as if there had been no
/// trouble.</summary>
internal sealed class ClusterRun
{
    private static readonly TimeSpan s_trouble = TimeSpan.FromSeconds(8);

    /// <summary>How long a healed cluster may take to bring every guest to its end.</summary>
    private static readonly TimeSpan s_recovery = TimeSpan.FromMinutes(2);

    private readonly SimulatedWorld _world;
    private readonly SimulatedCluster _cluster;
    private readonly FaultPlan _plan;
    private readonly RunGuest _guest;
    private readonly List<(VmId Id, VmClient Client)> _vms = [];
    private bool _isOver;

    private ClusterRun(ulong seed, RunGuest guest, FaultPlan? plan, Mutation? mutation)
    {
        _guest = guest;
        _world = new SimulatedWorld(seed);
        SeededRandom random = _world.Random.Fork();
        _plan = plan ?? FaultPlan.Swarm(random);
        Func<ClusterNodeOptions, ClusterNodeOptions> jitter =
            _plan.Jitter ? Jittered(random.Fork()) : options => options;
        SimulatedCluster cluster = new(_world, guest.Guests)
        {
            TickNanoseconds = guest.TickNanoseconds,
            HasFileLocks = _plan.HasFileLocks,
            Rules = mutation?.Rules ?? StoreRules.Default,
            NodeStore = mutation?.NodeStore ?? (static (_, store) => store),
            ServerStore = mutation?.ServerStore ?? (static (_, store) => store),
            Gates = mutation?.Gates ?? (static clock => new LeaseGate(clock)),
            TakesStoppedForDead = mutation?.TakesStoppedForDead ?? false,
            Configure = options => jitter(options with
            {
                SliceTicksMax = guest.SliceTicks,
                SnapshotIntervalTicks = guest.SnapshotTicks,
                SnapshotTicksMax = guest.SnapshotTicks * 4,
                MemorySumIntervalTicks = guest.SnapshotTicks / 2,
                ProgressInterval = TimeSpan.FromMilliseconds(50),
            }),
        };
        _cluster = cluster;
        HostVendor[] vendors = [HostVendor.Intel, HostVendor.Amd, HostVendor.Intel];
        for (int index = 0; index < vendors.Length; index++)
        {
            double rate = _plan.ClockDrift ? 0.995 + (random.NextDouble() / 100) : 1;
            _cluster.AddNode($"node-{index + 1}", vendors[index], guest.Cpuid, rate);
        }

        int vms = guest.MaxVms == 1 ? 1 : 1 + random.Next(guest.MaxVms);
        for (int vm = 0; vm < vms; vm++)
        {
            var id = VmId.Parse($"vm-{vm}");
            _vms.Add((id, new VmClient(_cluster, id, random.Fork())));
        }
    }

    /// <summary>Runs, checks, and says what happened.</summary>
    public static ClusterRunReport Execute(
        ulong seed, RunGuest guest, FaultPlan? plan = null, Mutation? mutation = null)
    {
        ClusterRun run = new(seed, guest, plan, mutation);
        try
        {
            run._world.Run(run.LiveAsync, s_trouble + s_recovery);
        }
        catch (SimulationException failure)
        {
            throw new SimulationException($"{run._plan}. {run.Story()}{failure.Message}", failure);
        }

        return new ClusterRunReport(
            seed,
            run._world.TraceHash,
            run._world.Scheduler.Steps,
            run._world.Time.Elapsed,
            run._cluster.Ledger.Commits,
            run._cluster.Ledger.Moves,
            run._vms.Sum(vm => vm.Client.MovesDone),
            run._vms.Sum(vm => vm.Client.Acknowledged.Count),
            run._plan);
    }

    /// <summary>All nodes of a run have the same odd settings, as far as they must agree.</summary>
    private static Func<ClusterNodeOptions, ClusterNodeOptions> Jittered(SeededRandom random)
    {
        double lease = Factor();
        (double renew, double grace, double watch, double start, double retry, double link) =
            (Factor(), Factor(), Factor(), Factor(), Factor(), Factor());
        return options => options with
        {
            Lease = options.Lease * lease,
            RenewEvery = options.RenewEvery * lease * Math.Min(renew, 1),
            DeathGrace = options.DeathGrace * grace,
            WatchEvery = options.WatchEvery * watch,
            ClaimHeadStart = options.ClaimHeadStart * start,
            StoreRetryAfter = options.StoreRetryAfter * retry,
            LinkTimeout = options.LinkTimeout * link / 2,
            ProgressInterval = options.ProgressInterval * watch,
        };

        double Factor() => 0.5 + random.NextDouble();
    }

    /// <summary>What the nodes reported, without what comes at every turn.</summary>
    private string Story() => string.Concat(_cluster.Events
        .Where(incident => incident.Event is not ClusterEvent.StoreTrouble)
        .Select(incident => $"{Environment.NewLine}{incident.At.TotalSeconds:f3} {incident.Node} {incident.Event}")
        .Append(Environment.NewLine));

    private async Task LiveAsync()
    {
        await _cluster.StartAllAsync();
        foreach ((_, VmClient client) in _vms)
        {
            await client.CreateAsync(_guest);
        }

        Nemesis nemesis = new(_cluster, _plan, _world.Random.Fork());
        Task[] keepers = [.. _cluster.Nodes.Select(node => nemesis.KeepAliveAsync(node, () => _isOver))];
        Task[] clients =
        [
            .. _vms.SelectMany(vm => (Task[])
            [
                vm.Client.ReadAsync(),
                vm.Client.TypeAsync(),
                vm.Client.LookAsync(),
                vm.Client.OperateAsync(() => _isOver),
            ]),
        ];
        Task passing = new PassingVms(_cluster, _world.Random.Fork()).LiveAsync(_guest, () => _isOver);
        await nemesis.RunAsync(s_trouble);
        _isOver = true;
        await passing;
        await Task.WhenAll(_vms.Select(vm => vm.Client.ResumeAtTheEndAsync()));
        await Task.WhenAll(clients);
        await Task.WhenAll(keepers);
        foreach ((VmId id, VmClient client) in _vms)
        {
            await CheckAsync(id, client);
        }
    }

    /// <summary>What only the end can show.</summary>
    private async Task CheckAsync(VmId vm, VmClient client)
    {
        foreach (StreamRow row in await _cluster.Store.ReadLockedAsync(vm, CancellationToken.None))
        {
            Assert.Null(await JournalVerifier.CheckAsync(_cluster.Store, row.Stream, CancellationToken.None));
            Assert.Equal(_cluster.Ledger.Row(row.Stream), row);
        }

        foreach (CommandId acknowledged in client.Acknowledged)
        {
            Assert.Equal(1, _cluster.Ledger.TimesApplied(acknowledged));
        }

        ReplayReport replay = await JournalReplayer.ReplayAsync(
            _cluster.Store, vm, _cluster.Guests, _world.Time, progress: null, CancellationToken.None);
        Assert.Null(replay.Divergence);
        Assert.Equal(_guest.End, replay.End);
        VmHistory history = await JournalReplayer.ReadHistoryAsync(_cluster.Store, vm, CancellationToken.None);
        TwinResult twin = TwinRun.Execute(TwinScript.From(history), _cluster.Guests, _guest.Image);
        Assert.Equal((twin.State, twin.Memory, twin.VmTime), (replay.State, replay.Memory, replay.VmTime));
        Assert.Equal(twin.ConsoleSha256, replay.ConsoleSha256);
        byte[] released = [.. _cluster.Output(vm).Bytes];
        Assert.Equal(twin.ConsoleSha256, Convert.ToHexStringLower(SHA256.HashData(released)));
    }
}

/// <summary>What one <see cref="ClusterRun"/> was.</summary>
/// <param name="OwnersChanged">By moves and by takeovers.</param>
/// <param name="MovesDone">Planned moves that were acknowledged.</param>
/// <param name="InputsDone">Inputs that were acknowledged.</param>
internal sealed record ClusterRunReport(
    ulong Seed,
    ulong TraceHash,
    long Steps,
    TimeSpan VirtualTime,
    long Commits,
    long OwnersChanged,
    int MovesDone,
    int InputsDone,
    FaultPlan Plan)
{
    public override string ToString() =>
        $"seed {Seed}: trace {TraceHash:x16}, {Steps} steps, {VirtualTime.TotalSeconds:f1} s virtual, "
        + $"{Commits} commits, {OwnersChanged} changes of owner, {MovesDone} moves, {InputsDone} inputs; {Plan}";
}
