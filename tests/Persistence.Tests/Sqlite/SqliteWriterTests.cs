// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Sqlite;
using Microsoft.Data.Sqlite;
using SqliteTransaction = Microsoft.Data.Sqlite.SqliteTransaction;

namespace KvmActors.Persistence.Tests.Sqlite;

public sealed class SqliteWriterTests : IDisposable
{
    private static readonly NodeId s_node = new("node-1#1");

    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Many_transactions_that_wait_share_few_commits()
    {
        const int Vms = 200;
        await using SqliteStore store = await OpenAsync();
        long before = store.GroupsCommitted;

        CommitResult[] results = await WhileTurnIsHeldAsync(
            [.. Enumerable.Range(0, Vms).Select(i => Creation($"vm-{i}"))], store);

        Assert.All(results, result => Assert.IsType<CommitResult.Committed>(result));
        Assert.InRange(store.GroupsCommitted - before, 1, Vms / 4);
        Assert.Equal(Vms, (await store.ListAsync(default)).Count);
    }

    [Fact]
    public async Task A_refused_transaction_drops_out_of_its_group_alone()
    {
        await using SqliteStore store = await OpenAsync();
        StoreTransaction first = Creation("first");
        StoreTransaction last = Creation("last");

        CommitResult[] results = await WhileTurnIsHeldAsync([first, Creation("first"), last], store);

        Assert.Equal(
            [
                new CommitResult.Committed(),
                new CommitResult.AlreadyExists(new StreamId("first")),
                new CommitResult.Committed(),
            ],
            results);
        Assert.Equal(1ul, (await store.FindAsync(new StreamId("first"), default))!.HeadSeq);
        Assert.Equal(1ul, (await store.FindAsync(new StreamId("last"), default))!.HeadSeq);
    }

    [Fact]
    public async Task Appends_of_one_stream_sent_without_waiting_are_applied_in_the_order_of_the_calls()
    {
        await using SqliteStore store = await OpenAsync();
        List<StoreTransaction> chain = [Creation("web")];
        for (int i = 1; i < 100; i++)
        {
            StreamRow row = chain[^1].Writes[0].Next;
            chain.Add(new StoreTransaction(
                row.Stream.Vm, [new StreamWriteBuilder(row).Add(1, new JournalEvent.VcpuCreated(i)).Build()]));
        }

        CommitResult[] results = await Task.WhenAll(chain.Select(next => store.CommitAsync(next, default).AsTask()));

        Assert.All(results, result => Assert.IsType<CommitResult.Committed>(result));
        Assert.Null(await JournalVerifier.CheckAsync(store, new StreamId("web"), default));
    }

    [Fact]
    public async Task A_commit_cancelled_while_it_waits_is_never_done()
    {
        await using SqliteStore store = await OpenAsync();
        using var turn = new WriterLock(_folder.StorePath);
        turn.Acquire();
        using var cancel = new CancellationTokenSource();
        Task<CommitResult> commit = store.CommitAsync(Creation("web"), cancel.Token).AsTask();

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => commit);
        turn.Release();
        Assert.Empty(await store.ReadLockedAsync(VmId.Parse("web"), default));
    }

    [Fact]
    public async Task A_commit_that_waits_too_long_is_refused_as_not_committed_and_never_done()
    {
        await using SqliteStore store = await OpenAsync(TimeSpan.FromMilliseconds(300));
        using var turn = new WriterLock(_folder.StorePath);
        turn.Acquire();

        StoreUnavailableException fault = await Assert.ThrowsAsync<StoreUnavailableException>(
            async () => await store.CommitAsync(Creation("web"), default));

        Assert.Equal(CommitOutcome.NotCommitted, fault.Outcome);
        turn.Release();
        Assert.Empty(await store.ReadLockedAsync(VmId.Parse("web"), default));
    }

    [Fact]
    public async Task A_foreign_program_that_holds_the_database_delays_commits_and_loses_none()
    {
        await using SqliteStore store = await OpenAsync(TimeSpan.FromMilliseconds(200));
        using var foreign = new SqliteConnection($"Data Source={_folder.StorePath};Pooling=False");
        await foreign.OpenAsync();
        using (SqliteTransaction held = foreign.BeginTransaction(deferred: false))
        {
            StoreUnavailableException fault = await Assert.ThrowsAsync<StoreUnavailableException>(
                async () => await store.CommitAsync(Creation("early"), default));
            Assert.Equal(CommitOutcome.NotCommitted, fault.Outcome);
            Assert.Contains("locked", fault.Message, StringComparison.Ordinal);
        }

        CommitResult result = await store.CommitAsync(Creation("late"), default);

        Assert.IsType<CommitResult.Committed>(result);
        Assert.Equal("late", Assert.Single(await store.ListAsync(default)).Stream.Value);
    }

    [Fact]
    public async Task A_change_of_membership_goes_before_the_commits_that_wait()
    {
        await using SqliteStore store = await OpenAsync();
        RegisterResult joined = await store.RegisterAsync(
            new NodeRegistration("node-1", "127.0.0.1:1", 1, HostVendor.Intel, TimeSpan.FromSeconds(3), "{}"), default);
        NodeId node = Assert.IsType<RegisterResult.Registered>(joined).Id;
        using var turn = new WriterLock(_folder.StorePath);
        turn.Acquire();

        // The node leaves after it sent its claim, and yet the claim meets a dead claimant.
        var free = StreamWriteBuilder.Create(new StreamId("web"), node);
        Task<CommitResult> create = store
            .CommitAsync(new StoreTransaction(VmId.Parse("web"), [free.Build()]), default).AsTask();
        Task leave = store.LeaveAsync(node, default).AsTask();
        Task<CommitResult> claim = store.CommitAsync(
            new StoreTransaction(
                VmId.Parse("web"),
                [new StreamWriteBuilder(free.Next).MoveTo(node).Build()],
                new TakeoverClaim(node, node)),
            default).AsTask();
        turn.Release();
        await Task.WhenAll(create, leave, claim);

        CommitResult.ClaimRefused refused = Assert.IsType<CommitResult.ClaimRefused>(await claim);
        Assert.Contains("found it dead", refused.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_is_closed_finishes_what_waits_and_refuses_the_rest()
    {
        SqliteStore store = await OpenAsync();
        Task<CommitResult> last = store.CommitAsync(Creation("web"), default).AsTask();

        await store.DisposeAsync();

        Assert.IsType<CommitResult.Committed>(await last);
        StoreUnavailableException fault = await Assert.ThrowsAsync<StoreUnavailableException>(
            async () => await store.CommitAsync(Creation("late"), default));
        Assert.Equal(CommitOutcome.NotCommitted, fault.Outcome);
    }

    private static StoreTransaction Creation(string vm) => new(
        VmId.Parse(vm),
        [StreamWriteBuilder.Create(VmId.Parse(vm).Stream, s_node).Add(0, new JournalEvent.VcpuCreated(0)).Build()]);

    private Task<SqliteStore> OpenAsync(TimeSpan? commitTimeout = null) => SqliteStore.OpenAsync(
        _folder.StorePath,
        new SqliteStoreOptions
        {
            Synchronous = SqliteSynchronous.Normal,
            CommitTimeout = commitTimeout ?? TimeSpan.FromSeconds(60),
        },
        TimeProvider.System);

    /// <summary>Sends all of them while another holds the turn, so that they wait together.</summary>
    private async Task<CommitResult[]> WhileTurnIsHeldAsync(StoreTransaction[] transactions, SqliteStore store)
    {
        using var turn = new WriterLock(_folder.StorePath);
        turn.Acquire();
        Task<CommitResult>[] commits = [.. transactions.Select(next => store.CommitAsync(next, default).AsTask())];
        turn.Release();
        return await Task.WhenAll(commits);
    }
}
