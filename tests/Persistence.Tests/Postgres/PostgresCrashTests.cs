// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Postgres;

namespace KvmActors.Persistence.Tests.Postgres;

/// <summary>kill -9 of the server among appends.</summary>
public sealed class PostgresCrashTests
{
    private const int Kills = 3;
    private const int Vms = 8;
    private const int AppendsBetweenKills = 150;

    private static readonly NodeId s_node = new("node-1#1");
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    [PostgresFact]
    public async Task No_acknowledged_append_is_lost_and_an_undecided_one_is_decided()
    {
        await using PrivatePostgres server = await PrivatePostgres.StartAsync();
        await using PostgresStore store = await PostgresStore.OpenAsync(
            server.Address("kvmactors"), new PostgresStoreOptions { CommitTimeout = TimeSpan.FromSeconds(2) });
        using CancellationTokenSource end = new();
        Appender[] appenders =
            [.. Enumerable.Range(0, Vms).Select(number => new Appender(store, VmId.Parse($"vm-{number}")))];
        Task[] appending = [.. appenders.Select(appender => Task.Run(() => appender.RunAsync(end.Token)))];
        for (int kill = 0; kill < Kills; kill++)
        {
            await Task.WhenAll(appenders.Select(appender => appender.ReachAsync(AppendsBetweenKills)))
                .WaitAsync(s_patience);
            await server.KillAsync();
            await server.RunAsync();
        }

        await Task.WhenAll(appenders.Select(appender => appender.ReachAsync(AppendsBetweenKills)))
            .WaitAsync(s_patience);
        await end.CancelAsync();
        await Task.WhenAll(appending).WaitAsync(s_patience);

        foreach (Appender appender in appenders)
        {
            StreamRow row = (await store.FindAsync(appender.Acknowledged.Stream, default))!;
            Assert.Equal(appender.Acknowledged, row);
            Assert.Null(await JournalVerifier.CheckAsync(store, row.Stream, default));
        }

        // Else the server was not killed among appends.
        Assert.True(appenders.Sum(appender => appender.Undecided) > 0);
        Array.ForEach(appenders, appender => appender.Dispose());
    }

    [PostgresFact]
    public async Task A_server_that_is_away_is_said_to_be_and_comes_back_by_itself()
    {
        await using PrivatePostgres server = await PrivatePostgres.StartAsync();
        PostgresAddress address = server.Address("kvmactors");
        await using PostgresStore store = await PostgresStore.OpenAsync(
            address, new PostgresStoreOptions { CommitTimeout = TimeSpan.FromMilliseconds(500) });
        RegisterResult joined = await store.RegisterAsync(
            new NodeRegistration("node-1", "h:1", 1, HostVendor.Intel, TimeSpan.FromSeconds(3), "{}"), default);
        NodeId node = Assert.IsType<RegisterResult.Registered>(joined).Id;
        await server.KillAsync();
        StreamWrite write = Appender.Creation(VmId.Parse("web"));
        StoreTransaction creation = new(VmId.Parse("web"), [write]);

        StoreUnavailableException lease = await Assert.ThrowsAsync<StoreUnavailableException>(
            async () => await store.RenewAsync(node, TimeSpan.FromSeconds(3), default));
        StoreUnavailableException list = await Assert.ThrowsAsync<StoreUnavailableException>(
            async () => await store.ListAsync(default));
        StoreUnavailableException commit = await Assert.ThrowsAsync<StoreUnavailableException>(
            async () => await store.CommitAsync(creation, default));

        Assert.All([lease, list, commit], fault =>
            Assert.Contains($"The store {address} ", fault.Message, StringComparison.Ordinal));
        Assert.Equal(CommitOutcome.NotCommitted, commit.Outcome);
        await server.RunAsync();
        Assert.True(await store.RenewAsync(node, TimeSpan.FromSeconds(3), default));
        Assert.IsType<CommitResult.Committed>(await store.CommitAsync(creation, default));
        Assert.Equal([write.Next], await store.ReadLockedAsync(VmId.Parse("web"), default));
    }

    /// <summary>Appends to a VM of its own, and decides what got no answer as the owner of a VM does.</summary>
    private sealed class Appender(PostgresStore store, VmId vm) : IDisposable
    {
        private readonly SemaphoreSlim _appended = new(0);

        /// <summary>The row after the last append that was acknowledged, or was found to have landed.</summary>
        public StreamRow Acknowledged { get; private set; } = null!;

        public int Undecided { get; private set; }

        public static StreamWrite Creation(VmId vm) => StreamWriteBuilder
            .Create(vm.Stream, s_node).Add(0, new JournalEvent.VcpuCreated(0)).Build();

        public void Dispose() => _appended.Dispose();

        /// <summary>Waits for so many more appends.</summary>
        public async Task ReachAsync(int appends)
        {
            for (int i = 0; i < appends; i++)
            {
                await _appended.WaitAsync();
            }
        }

        public async Task RunAsync(CancellationToken end)
        {
            StreamWrite write = Creation(vm);
            while (!end.IsCancellationRequested)
            {
                await CommitAsync(new StoreTransaction(vm, [write]));
                Acknowledged = write.Next;
                _appended.Release();
                write = new StreamWriteBuilder(Acknowledged)
                    .Add(Acknowledged.HeadSeq, new JournalEvent.Quarantined(new string('x', 200))).Build();
            }
        }

        private async Task CommitAsync(StoreTransaction transaction)
        {
            while (true)
            {
                try
                {
                    CommitResult result = await store.CommitAsync(transaction, default);
                    Assert.True(
                        result is CommitResult.Committed || await HasLandedAsync(transaction), result.ToString());
                    return;
                }
                catch (StoreUnavailableException fault) when (fault.Outcome == CommitOutcome.NotCommitted)
                {
                    // The identical bytes again.
                }
                catch (StoreUnavailableException)
                {
                    Undecided++;
                    if (await HasLandedAsync(transaction))
                    {
                        return;
                    }
                }
            }
        }

        private async Task<bool> HasLandedAsync(StoreTransaction transaction)
        {
            while (true)
            {
                try
                {
                    IReadOnlyList<StreamRow> rows = await store.ReadLockedAsync(vm, default);
                    return rows.Count > 0 && rows[0] == transaction.Writes[0].Next;
                }
                catch (StoreUnavailableException)
                {
                    await Task.Yield();
                }
            }
        }
    }
}
