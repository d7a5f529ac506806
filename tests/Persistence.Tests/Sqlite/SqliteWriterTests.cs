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
    public async Task A_transaction_refused_at_its_second_row_takes_back_the_first_and_leaves_its_group()
    {
        await using SqliteStore store = await OpenAsync();
        StoreTransaction web = TwoRows("web");
        Assert.IsType<CommitResult.Committed>(await store.CommitAsync(web, default));
        StreamRow vm = web.Writes[0].Next;
        StreamRow stale = web.Writes[1].Next with { HeadHash = Digest.Of([1]) };
        StoreTransaction half = new(
            vm.Stream.Vm,
            [
                new StreamWriteBuilder(vm).Add(1, new JournalEvent.VcpuCreated(1)).Build(),
                new StreamWriteBuilder(stale).Add(1, new JournalEvent.VcpuCreated(1)).Build(),
            ]);
        StoreTransaction whole = new(
            vm.Stream.Vm, [new StreamWriteBuilder(vm).Add(1, new JournalEvent.VcpuCreated(2)).Build()]);

        CommitResult[] results = await WhileTurnIsHeldAsync(
            [Creation("first"), half, whole, half, Creation("last")], store);

        Assert.Equal(
            ["Committed", "Mismatch", "Committed", "Mismatch", "Committed"],
            results.Select(result => result.GetType().Name));
        Assert.Equal(whole.Writes[0].Next, await store.FindAsync(vm.Stream, default));
        Assert.Equal(web.Writes[1].Next, await store.FindAsync(stale.Stream, default));
        foreach (StreamRow row in await store.ListAsync(default))
        {
            Assert.Null(await JournalVerifier.CheckAsync(store, row.Stream, default));
        }
    }

    [Fact]
    public async Task A_transaction_that_meets_a_record_behind_its_head_fails_alone()
    {
        await using SqliteStore store = await OpenAsync();
        StoreTransaction web = Creation("web");
        Assert.IsType<CommitResult.Committed>(await store.CommitAsync(web, default));
        await using (var foreign = new SqliteConnection($"Data Source={_folder.StorePath};Pooling=False"))
        {
            await foreign.OpenAsync();
            await using SqliteCommand insert = foreign.CreateCommand();
            insert.CommandText =
                "INSERT INTO journal SELECT stream_id, 2, epoch, kind, ver, vm_time, client_id, cmd_id, payload, hash "
                + "FROM journal";
            Assert.Equal(1, await insert.ExecuteNonQueryAsync());
        }

        StreamRow head = web.Writes[0].Next;
        StoreTransaction append = new(
            head.Stream.Vm, [new StreamWriteBuilder(head).Add(1, new JournalEvent.VcpuCreated(1)).Build()]);
        using var turn = new WriterLock(_folder.StorePath);
        turn.Acquire();
        Task<CommitResult> before = store.CommitAsync(Creation("before"), default).AsTask();
        Task<CommitResult> between = store.CommitAsync(append, default).AsTask();
        Task<CommitResult> after = store.CommitAsync(Creation("after"), default).AsTask();
        turn.Release();

        Assert.IsType<CommitResult.Committed>(await before);
        await Assert.ThrowsAsync<StoreCorruptException>(() => between);
        Assert.IsType<CommitResult.Committed>(await after);
        Assert.Equal(head, await store.FindAsync(head.Stream, default));
    }

    [Fact]
    public async Task A_long_journal_is_read_whole_and_may_be_left_at_any_record()
    {
        const int Records = 1_500;
        await using SqliteStore store = await OpenAsync();
        var write = StreamWriteBuilder.Create(new StreamId("web"), s_node);
        for (int i = 0; i < Records; i++)
        {
            write.Add((ulong)i, new JournalEvent.VcpuCreated(i));
        }

        await store.CommitAsync(new StoreTransaction(VmId.Parse("web"), [write.Build()]), default);

        List<ulong> read = [];
        await foreach (JournalRecord record in store.ReadAsync(new StreamId("web"), 1, ulong.MaxValue, default))
        {
            read.Add(record.Seq);
        }

        Assert.Equal(Enumerable.Range(1, Records).Select(seq => (ulong)seq), read);
        await foreach (JournalRecord record in store.ReadAsync(new StreamId("web"), 500, 1_400, default))
        {
            if (record.Seq == 600)
            {
                break;
            }
        }
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

    private static StoreTransaction TwoRows(string vm) => new(
        VmId.Parse(vm),
        [
            .. Creation(vm).Writes,
            StreamWriteBuilder.Create(VmId.Parse(vm).Vcpu(0), s_node)
                .Add(0, new JournalEvent.VcpuCreated(0)).Build(),
        ]);

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
