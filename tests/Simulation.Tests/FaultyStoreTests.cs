// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.InMemory;
using KvmActors.Persistence.Membership;
using KvmActors.TestKit.Simulation;
using Xunit;

namespace KvmActors.Simulation.Tests;

/// <summary>Each way in which a store lets its client down. Membership stands for all calls: they share one
/// wire.</summary>
public sealed class FaultyStoreTests : IAsyncDisposable
{
    private static readonly StoreFaults s_none = StoreFaults.None;
    private readonly SimulatedWorld _world = new(seed: 9);
    private readonly InMemoryStore _inner;
    private readonly FaultyStore _store;

    public FaultyStoreTests()
    {
        _inner = new InMemoryStore(_world.Time);
        _store = new FaultyStore(_inner, _world.Scheduler.Root, _world.Time, _world.Random.Fork());
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await _inner.DisposeAsync();
    }

    [Fact]
    public void Without_faults_it_is_the_store_behind_it() => _world.Run(async () =>
    {
        Assert.IsType<RegisterResult.Registered>(await RegisterAsync("a"));
        Assert.Single(await _store.ListNodesAsync(CancellationToken.None));
        Assert.Equal(0, _store.FaultCount);
    });

    [Fact]
    public void Refused_is_known_and_not_done() => _world.Run(async () =>
    {
        _store.Faults = s_none with { RefuseChance = 1 };

        Assert.Equal(CommitOutcome.NotCommitted, await FailAsync());
        Assert.Empty(await _inner.ListNodesAsync(CancellationToken.None));
    });

    [Fact]
    public void A_lost_request_is_unknown_and_not_done() => _world.Run(async () =>
    {
        _store.Faults = s_none with { LoseRequestChance = 1 };

        Assert.Equal(CommitOutcome.Unknown, await FailAsync());
        Assert.Empty(await _inner.ListNodesAsync(CancellationToken.None));
    });

    [Fact]
    public void A_lost_reply_is_unknown_and_done() => _world.Run(async () =>
    {
        _store.Faults = s_none with { LoseReplyChance = 1 };

        Assert.Equal(CommitOutcome.Unknown, await FailAsync());
        Assert.Single(await _inner.ListNodesAsync(CancellationToken.None));
    });

    [Fact]
    public void A_late_write_is_unknown_and_done_only_afterwards() => _world.Run(async () =>
    {
        _store.Faults = s_none with { LateChance = 1, LateBy = TimeSpan.FromSeconds(1) };

        Assert.Equal(CommitOutcome.Unknown, await FailAsync());
        Assert.Empty(await _inner.ListNodesAsync(CancellationToken.None));
        await KvmActors.Actors.Kernel.ClockDelay.DelayAsync(_world.Time, TimeSpan.FromSeconds(2));
        Assert.Single(await _inner.ListNodesAsync(CancellationToken.None));
    });

    [Fact]
    public void An_outage_lasts_until_it_is_over() => _world.Run(async () =>
    {
        _store.IsOut = true;
        await Assert.ThrowsAsync<StoreUnavailableException>(
            async () => await _store.ListNodesAsync(CancellationToken.None));

        _store.IsOut = false;

        Assert.Empty(await _store.ListNodesAsync(CancellationToken.None));
    });

    [Fact]
    public void What_a_client_sent_before_it_was_killed_is_still_carried_out()
    {
        SimulatedProcess client = _world.StartProcess("client");
        _store.Faults = s_none with
        {
            LatencyMin = TimeSpan.FromSeconds(1),
            LatencyMax = TimeSpan.FromSeconds(1),
        };
        _ = client.Executor.Factory.StartNew(async () => await RegisterAsync("a"));
        _world.RunUntilIdle();

        client.Kill();
        _world.RunFor(TimeSpan.FromSeconds(2));

        _world.Run(async () => Assert.Single(await _inner.ListNodesAsync(CancellationToken.None)));
    }

    private async Task<CommitOutcome> FailAsync()
    {
        StoreUnavailableException failure =
            await Assert.ThrowsAsync<StoreUnavailableException>(() => RegisterAsync("a"));
        return failure.Outcome;
    }

    private async Task<RegisterResult> RegisterAsync(string name) => await _store.RegisterAsync(
        new NodeRegistration(
            name,
            $"{name}:1",
            ProcessId: 1,
            Cpu.Hypercalls.HostVendor.Intel,
            Lease: TimeSpan.FromSeconds(3),
            CpuidTable: "[]"),
        CancellationToken.None);
}
