// SPDX-License-Identifier: Apache-2.0

using System.Text;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.TestKit.Simulation;
using Xunit;

namespace KvmActors.Simulation.Tests;

public sealed class NetworkTests
{
    private readonly SimulatedWorld _world = new(seed: 5);
    private readonly SimulatedNetwork _network;
    private readonly SimulatedProcess _server;
    private readonly SimulatedLink _client;
    private readonly List<string> _served = [];
    private TimeSpan _thinking = TimeSpan.Zero;

    public NetworkTests()
    {
        _network = new SimulatedNetwork(_world);
        _server = _world.StartProcess("server");
        _network.Attach(_server, "server:1", ServeAsync);
        _client = _network.Attach(_world.StartProcess("client"), "client:1", ServeAsync);
    }

    [Fact]
    public void A_quiet_network_answers_every_call() => _world.Run(async () =>
    {
        Assert.Equal("re: hello", await CallAsync("server:1", "hello"));
        Assert.Equal(0, _network.Losses);
    });

    [Fact]
    public void Nobody_there_means_not_sent() => _world.Run(async () =>
        Assert.Equal(LinkOutcome.NotSent, await FailAsync("nobody:1")));

    [Fact]
    public void A_cut_towards_the_server_means_unknown_and_not_handled() => _world.Run(async () =>
    {
        _network.Cut("client:1", "server:1");

        Assert.Equal(LinkOutcome.Unknown, await FailAsync("server:1"));
        Assert.Empty(_served);
    });

    [Fact]
    public void A_cut_on_the_way_back_means_unknown_and_handled() => _world.Run(async () =>
    {
        _network.Cut("server:1", "client:1");

        Assert.Equal(LinkOutcome.Unknown, await FailAsync("server:1"));
        Assert.Equal(["hello"], _served);
        _network.HealAll();
        Assert.Equal("re: again", await CallAsync("server:1", "again"));
    });

    [Fact]
    public void A_server_that_dies_while_it_answers_resets_the_connection() => _world.Run(async () =>
    {
        _thinking = TimeSpan.FromMinutes(1);
        Task<LinkOutcome> call = FailAsync("server:1");
        await _world.Time.DelayAsync(TimeSpan.FromSeconds(1));

        _server.Kill();

        Assert.Equal(LinkOutcome.Unknown, await call);
        Assert.True(_world.Time.Elapsed < LinkFaults.None.GiveUpAfter);
        Assert.Equal(LinkOutcome.NotSent, await FailAsync("server:1"));
    });

    [Fact]
    public void A_bad_day_loses_doubles_and_reorders() => _world.Run(async () =>
    {
        _network.Faults = LinkFaults.Harsh;
        Task[] calls =
        [
            .. Enumerable.Range(0, 200).Select(async number =>
            {
                try
                {
                    await CallAsync("server:1", $"{number:d3}");
                }
                catch (LinkException)
                {
                    // Lost, as it may be on such a day.
                }
            }),
        ];
        await Task.WhenAll(calls);

        Assert.True(_network.Losses > 0);
        Assert.True(_network.Duplicates > 0);
        Assert.True(_served.Count > _served.Distinct().Count(), "Nothing was served twice.");
        Assert.False(_served.SequenceEqual(_served.Order()), "Nothing was overtaken.");
    });

    [Fact]
    public void A_call_can_be_cancelled() => _world.Run(async () =>
    {
        using CancellationTokenSource source = new(TimeSpan.FromSeconds(1), _world.Time);
        _thinking = TimeSpan.FromMinutes(1);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await _client.CallAsync("server:1", "hello"u8.ToArray(), source.Token));
    });

    private async Task<string> CallAsync(string endpoint, string text)
    {
        ReadOnlyMemory<byte> reply = await _client.CallAsync(
            endpoint, Encoding.UTF8.GetBytes(text), CancellationToken.None);
        return Encoding.UTF8.GetString(reply.Span);
    }

    private async Task<LinkOutcome> FailAsync(string endpoint)
    {
        LinkException failure = await Assert.ThrowsAsync<LinkException>(() => CallAsync(endpoint, "hello"));
        return failure.Outcome;
    }

    private async ValueTask<ReadOnlyMemory<byte>> ServeAsync(ReadOnlyMemory<byte> request, CancellationToken stop)
    {
        string text = Encoding.UTF8.GetString(request.Span);
        _served.Add(text);
        await _server.Clock.DelayAsync(_thinking, stop);
        return Encoding.UTF8.GetBytes($"re: {text}");
    }
}
