// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Actors.Kernel;
using KvmActors.Persistence;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;
using KvmActors.Persistence.Upkeep;
using KvmActors.TestKit.Simulation.Traps;

namespace KvmActors.TestKit.Simulation;

/// <summary>A store behind a bad wire: latency, refusals, lost requests, lost answers, late writes, outages. One for
/// each client; all share the store behind it.</summary>
/// <remarks>What was sent is carried out on the server's executor, also when the client has died since. Commits of one
/// VM stay in the order of their calls, as <see cref="IJournal.CommitAsync"/> promises.</remarks>
/// <param name="server">Executor of what happens behind the wire.</param>
public sealed class FaultyStore(IStore inner, TaskScheduler server, TimeProvider clock, SeededRandom random) : IStore
{
    private readonly TaskFactory _server = new(server);
    private readonly Dictionary<VmId, Task> _lastCommits = [];

    public StoreFaults Faults { get; set; } = StoreFaults.None;

    /// <summary>While set, no call is answered but by <see cref="StoreUnavailableException"/>, and none is carried
    /// out.</summary>
    public bool IsOut { get; set; }

    /// <summary>Calls that went wrong.</summary>
    public long FaultCount { get; private set; }

    /// <summary>Whose way to the store this is.</summary>
    public string Client { get; init; } = string.Empty;

    /// <summary>All calls pass by here.</summary>
    public TrapLine Traps { get; init; } = new();

    public async ValueTask<CommitResult> CommitAsync(StoreTransaction transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        Task before = _lastCommits.GetValueOrDefault(transaction.Vm, Task.CompletedTask);
        Completion<bool> carriedOut = new();
        _lastCommits[transaction.Vm] = carriedOut.WaitAsync();
        StoreCall<CommitResult> call = Write(StoreMoment.Commit, Commit) with { Transaction = transaction };
        return await CallAsync(call, () => carriedOut.TrySet(true), cancellationToken);

        async ValueTask<CommitResult> Commit()
        {
            await before;
            return await inner.CommitAsync(transaction, CancellationToken.None);
        }
    }

    public async IAsyncEnumerable<JournalRecord> ReadAsync(
        StreamId stream, ulong fromSeq, ulong toSeq, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<JournalRecord> records = await ReadCallAsync(
            "Read",
            async () => await inner.ReadAsync(stream, fromSeq, toSeq, CancellationToken.None)
                .ToListAsync(cancellationToken),
            cancellationToken);
        foreach (JournalRecord record in records)
        {
            yield return record;
        }
    }

    public ValueTask<DedupEntry?> FindReplyAsync(
        StreamId stream, CommandId command, CancellationToken cancellationToken) =>
        ReadCallAsync(
            "FindReply", () => inner.FindReplyAsync(stream, command, CancellationToken.None), cancellationToken);

    public ValueTask<StreamRow?> FindAsync(StreamId stream, CancellationToken cancellationToken) =>
        ReadCallAsync("Find", () => inner.FindAsync(stream, CancellationToken.None), cancellationToken);

    public ValueTask<IReadOnlyList<StreamRow>> ReadLockedAsync(VmId vm, CancellationToken cancellationToken) =>
        ReadCallAsync("ReadLocked", () => inner.ReadLockedAsync(vm, CancellationToken.None), cancellationToken);

    public ValueTask<IReadOnlyList<StreamRow>> ListAsync(CancellationToken cancellationToken) =>
        ReadCallAsync("List", () => inner.ListAsync(CancellationToken.None), cancellationToken);

    public ValueTask<SnapshotRecord?> FindAsync(VmId vm, ulong vmTime, CancellationToken cancellationToken) =>
        ReadCallAsync("Find", () => inner.FindAsync(vm, vmTime, CancellationToken.None), cancellationToken);

    public ValueTask<SnapshotRecord?> FindByIdAsync(VmId vm, ulong id, CancellationToken cancellationToken) =>
        ReadCallAsync("FindById", () => inner.FindByIdAsync(vm, id, CancellationToken.None), cancellationToken);

    public ValueTask<IReadOnlyList<SnapshotSummary>> ListSnapshotsAsync(VmId vm, CancellationToken cancellationToken) =>
        ReadCallAsync(
            "ListSnapshots", () => inner.ListSnapshotsAsync(vm, CancellationToken.None), cancellationToken);

    public ValueTask<IReadOnlyList<Digest>> PutAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> pages, CancellationToken cancellationToken) =>
        WriteCallAsync("Put", () => inner.PutAsync(pages, CancellationToken.None), cancellationToken);

    public ValueTask<ulong> CountCollectionsAsync(CancellationToken cancellationToken) =>
        ReadCallAsync(
            "CountCollections", () => inner.CountCollectionsAsync(CancellationToken.None), cancellationToken);

    public ValueTask<StoreStatistics> MeasureAsync(CancellationToken cancellationToken) =>
        ReadCallAsync("Measure", () => inner.MeasureAsync(CancellationToken.None), cancellationToken);

    public ValueTask<CollectionReport> CollectAsync(
        SnapshotRetention? retention, CancellationToken cancellationToken) =>
        WriteCallAsync("Collect", () => inner.CollectAsync(retention, CancellationToken.None), cancellationToken);

    public ValueTask<CollectionReport> ForecastAsync(
        SnapshotRetention? retention, CancellationToken cancellationToken) =>
        ReadCallAsync("Forecast", () => inner.ForecastAsync(retention, CancellationToken.None), cancellationToken);

    public ValueTask<CommitResult> DeleteAsync(
        IReadOnlyList<StreamRow> rows, DedupEntry reply, CancellationToken cancellationToken) =>
        WriteCallAsync("Delete", () => inner.DeleteAsync(rows, reply, CancellationToken.None), cancellationToken);

    public ValueTask<IReadOnlyList<ReadOnlyMemory<byte>>> GetAsync(
        IReadOnlyList<Digest> digests, CancellationToken cancellationToken) =>
        ReadCallAsync("Get", () => inner.GetAsync(digests, CancellationToken.None), cancellationToken);

    public ValueTask<RegisterResult> RegisterAsync(NodeRegistration node, CancellationToken cancellationToken) =>
        WriteCallAsync("Register", () => inner.RegisterAsync(node, CancellationToken.None), cancellationToken);

    public ValueTask<bool> RenewAsync(NodeId node, TimeSpan lease, CancellationToken cancellationToken) =>
        WriteCallAsync("Renew", () => inner.RenewAsync(node, lease, CancellationToken.None), cancellationToken);

    public ValueTask<bool> DrainAsync(NodeId node, CancellationToken cancellationToken) =>
        WriteCallAsync("Drain", () => inner.DrainAsync(node, CancellationToken.None), cancellationToken);

    public ValueTask<bool> DeclareDeadAsync(
        NodeId node, DeathEvidence evidence, TimeSpan grace, CancellationToken cancellationToken) =>
        WriteCallAsync(
            "DeclareDead",
            () => inner.DeclareDeadAsync(node, evidence, grace, CancellationToken.None),
            cancellationToken);

    public async ValueTask LeaveAsync(NodeId node, CancellationToken cancellationToken) => await WriteCallAsync(
        "Leave",
        async () =>
        {
            await inner.LeaveAsync(node, CancellationToken.None);
            return true;
        },
        cancellationToken);

    public ValueTask<IReadOnlyList<NodeRow>> ListNodesAsync(CancellationToken cancellationToken) =>
        ReadCallAsync("ListNodes", () => inner.ListNodesAsync(CancellationToken.None), cancellationToken);

    public ValueTask<long> ReadLeaseClockAsync(CancellationToken cancellationToken) =>
        ReadCallAsync("ReadLeaseClock", () => inner.ReadLeaseClockAsync(CancellationToken.None), cancellationToken);

    /// <summary>Leaves the store behind it open: others share it.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static void Nothing()
    {
    }

    private ValueTask<T> ReadCallAsync<T>(
        string name, Func<ValueTask<T>> operation, CancellationToken cancellationToken)
    {
        bool isRefused = random.Chance(Faults.RefuseChance);
        StoreCall<T> call = new(name, operation, isRefused ? StoreFault.Refused : StoreFault.None);
        return CallAsync(call, Nothing, cancellationToken);
    }

    private ValueTask<T> WriteCallAsync<T>(
        string name, Func<ValueTask<T>> operation, CancellationToken cancellationToken) =>
        CallAsync(Write(name, operation), Nothing, cancellationToken);

    private StoreCall<T> Write<T>(string name, Func<ValueTask<T>> operation)
    {
        double drawn = random.NextDouble();
        StoreFaults faults = Faults;
        double refused = faults.RefuseChance;
        double requestLost = refused + faults.LoseRequestChance;
        double replyLost = requestLost + faults.LoseReplyChance;
        double late = replyLost + faults.LateChance;
        StoreFault fault = drawn < refused ? StoreFault.Refused
            : drawn < requestLost ? StoreFault.RequestLost
            : drawn < replyLost ? StoreFault.ReplyLost
            : drawn < late ? StoreFault.Late
            : StoreFault.None;
        return new StoreCall<T>(name, operation, fault);
    }

    private async ValueTask<T> CallAsync<T>(StoreCall<T> call, Action carriedOut, CancellationToken cancellationToken)
    {
        FaultCount += call.Fault == StoreFault.None ? 0 : 1;
        TimeSpan there = random.Between(Faults.LatencyMin, Faults.LatencyMax);
        TimeSpan back = random.Between(Faults.LatencyMin, Faults.LatencyMax);
        Completion<T> reply = new();
        using CancellationTokenRegistration cancellation = cancellationToken.UnsafeRegister(
            static (state, token) => ((Completion<T>)state!).TryCancel(token), reply);
        if (await PassAsync(call, CallStage.Leaving, reply))
        {
            _ = clock.CreateTimer(_ => _server.StartNew(Serve), null, there, Timeout.InfiniteTimeSpan);
        }
        else
        {
            carriedOut();
        }

        T result = await reply.WaitAsync();
        await PassAsync(call, CallStage.Returning, reply);
        return result;

        async Task Serve()
        {
            await ServeAsync(call, reply, back);
            carriedOut();
        }
    }

    private async Task ServeAsync<T>(StoreCall<T> call, Completion<T> reply, TimeSpan back)
    {
        if (IsOut)
        {
            FaultCount++;
            reply.TryFail(Unavailable("The store is out.", CommitOutcome.NotCommitted));
            return;
        }

        if (!await PassAsync(call, CallStage.Arriving, reply))
        {
            return;
        }

        switch (call.Fault)
        {
            case StoreFault.Refused:
                reply.TryFail(Unavailable("The store refused the call.", CommitOutcome.NotCommitted));
                return;
            case StoreFault.RequestLost:
                reply.TryFail(Unavailable("The connection broke on the way there.", CommitOutcome.Unknown));
                return;
            case StoreFault.Late:
                reply.TryFail(Unavailable("The store gave no answer in time.", CommitOutcome.Unknown));
                await clock.DelayAsync(Faults.LateBy);
                break;
            case StoreFault.ReplyLost:
            case StoreFault.None:
                break;
        }

        await CarryOutAsync(call, reply, back);
    }

    private async Task CarryOutAsync<T>(StoreCall<T> call, Completion<T> reply, TimeSpan back)
    {
        T result;
        try
        {
            result = await call.Operation();
        }
        catch (Exception failure)
        {
            reply.TryFail(failure);
            return;
        }

        if (!await PassAsync(call, CallStage.Done, reply))
        {
            return;
        }

        if (call.Fault == StoreFault.ReplyLost)
        {
            reply.TryFail(Unavailable("The connection broke on the way back.", CommitOutcome.Unknown));
            return;
        }

        _ = AnswerAsync(reply, result, back);
    }

    /// <returns>False where the call goes no further.</returns>
    private async ValueTask<bool> PassAsync<T>(StoreCall<T> call, CallStage stage, Completion<T> reply)
    {
        TrapVerdict verdict = await Traps.PassAsync(new StoreMoment(Client, call.Name, stage, call.Transaction));
        if (verdict == TrapVerdict.Broken)
        {
            reply.TryFail(Unavailable("The connection broke.", CommitOutcome.Unknown));
        }

        return verdict == TrapVerdict.GoesOn;
    }

    private async Task AnswerAsync<T>(Completion<T> reply, T result, TimeSpan back)
    {
        await clock.DelayAsync(back);
        reply.TrySet(result);
    }

    private static StoreUnavailableException Unavailable(string what, CommitOutcome outcome) =>
        new($"{what} (simulated)", outcome);
}
