// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Actors.Kernel;
using KvmActors.Persistence;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;
using KvmActors.Persistence.Upkeep;

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

    public async ValueTask<CommitResult> CommitAsync(StoreTransaction transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        Task before = _lastCommits.GetValueOrDefault(transaction.Vm, Task.CompletedTask);
        Completion<bool> carriedOut = new();
        _lastCommits[transaction.Vm] = carriedOut.WaitAsync();
        return await CallAsync(Write(Commit), () => carriedOut.TrySet(true), cancellationToken);

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
        ReadCallAsync(() => inner.FindReplyAsync(stream, command, CancellationToken.None), cancellationToken);

    public ValueTask<StreamRow?> FindAsync(StreamId stream, CancellationToken cancellationToken) =>
        ReadCallAsync(() => inner.FindAsync(stream, CancellationToken.None), cancellationToken);

    public ValueTask<IReadOnlyList<StreamRow>> ReadLockedAsync(VmId vm, CancellationToken cancellationToken) =>
        ReadCallAsync(() => inner.ReadLockedAsync(vm, CancellationToken.None), cancellationToken);

    public ValueTask<IReadOnlyList<StreamRow>> ListAsync(CancellationToken cancellationToken) =>
        ReadCallAsync(() => inner.ListAsync(CancellationToken.None), cancellationToken);

    public ValueTask<SnapshotRecord?> FindAsync(VmId vm, ulong vmTime, CancellationToken cancellationToken) =>
        ReadCallAsync(() => inner.FindAsync(vm, vmTime, CancellationToken.None), cancellationToken);

    public ValueTask<SnapshotRecord?> FindByIdAsync(VmId vm, ulong id, CancellationToken cancellationToken) =>
        ReadCallAsync(() => inner.FindByIdAsync(vm, id, CancellationToken.None), cancellationToken);

    public ValueTask<IReadOnlyList<SnapshotSummary>> ListSnapshotsAsync(VmId vm, CancellationToken cancellationToken) =>
        ReadCallAsync(() => inner.ListSnapshotsAsync(vm, CancellationToken.None), cancellationToken);

    public ValueTask<IReadOnlyList<Digest>> PutAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> pages, CancellationToken cancellationToken) =>
        WriteCallAsync(() => inner.PutAsync(pages, CancellationToken.None), cancellationToken);

    public ValueTask<ulong> CountCollectionsAsync(CancellationToken cancellationToken) =>
        ReadCallAsync(() => inner.CountCollectionsAsync(CancellationToken.None), cancellationToken);

    public ValueTask<StoreStatistics> MeasureAsync(CancellationToken cancellationToken) =>
        ReadCallAsync(() => inner.MeasureAsync(CancellationToken.None), cancellationToken);

    public ValueTask<CollectionReport> CollectAsync(
        SnapshotRetention? retention, CancellationToken cancellationToken) =>
        WriteCallAsync(() => inner.CollectAsync(retention, CancellationToken.None), cancellationToken);

    public ValueTask<CollectionReport> ForecastAsync(
        SnapshotRetention? retention, CancellationToken cancellationToken) =>
        ReadCallAsync(() => inner.ForecastAsync(retention, CancellationToken.None), cancellationToken);

    public ValueTask<CommitResult> DeleteAsync(IReadOnlyList<StreamRow> rows, CancellationToken cancellationToken) =>
        WriteCallAsync(() => inner.DeleteAsync(rows, CancellationToken.None), cancellationToken);

    public ValueTask<IReadOnlyList<ReadOnlyMemory<byte>>> GetAsync(
        IReadOnlyList<Digest> digests, CancellationToken cancellationToken) =>
        ReadCallAsync(() => inner.GetAsync(digests, CancellationToken.None), cancellationToken);

    public ValueTask<RegisterResult> RegisterAsync(NodeRegistration node, CancellationToken cancellationToken) =>
        WriteCallAsync(() => inner.RegisterAsync(node, CancellationToken.None), cancellationToken);

    public ValueTask<bool> RenewAsync(NodeId node, TimeSpan lease, CancellationToken cancellationToken) =>
        WriteCallAsync(() => inner.RenewAsync(node, lease, CancellationToken.None), cancellationToken);

    public ValueTask<bool> DrainAsync(NodeId node, CancellationToken cancellationToken) =>
        WriteCallAsync(() => inner.DrainAsync(node, CancellationToken.None), cancellationToken);

    public ValueTask<bool> DeclareDeadAsync(
        NodeId node, DeathEvidence evidence, TimeSpan grace, CancellationToken cancellationToken) =>
        WriteCallAsync(() => inner.DeclareDeadAsync(node, evidence, grace, CancellationToken.None), cancellationToken);

    public async ValueTask LeaveAsync(NodeId node, CancellationToken cancellationToken) => await WriteCallAsync(
        async () =>
        {
            await inner.LeaveAsync(node, CancellationToken.None);
            return true;
        },
        cancellationToken);

    public ValueTask<IReadOnlyList<NodeRow>> ListNodesAsync(CancellationToken cancellationToken) =>
        ReadCallAsync(() => inner.ListNodesAsync(CancellationToken.None), cancellationToken);

    public ValueTask<long> ReadLeaseClockAsync(CancellationToken cancellationToken) =>
        ReadCallAsync(() => inner.ReadLeaseClockAsync(CancellationToken.None), cancellationToken);

    /// <summary>Leaves the store behind it open: others share it.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static void Nothing()
    {
    }

    private ValueTask<T> ReadCallAsync<T>(Func<ValueTask<T>> operation, CancellationToken cancellationToken)
    {
        bool isRefused = random.Chance(Faults.RefuseChance);
        StoreCall<T> call = new(operation, isRefused ? StoreFault.Refused : StoreFault.None);
        return CallAsync(call, Nothing, cancellationToken);
    }

    private ValueTask<T> WriteCallAsync<T>(Func<ValueTask<T>> operation, CancellationToken cancellationToken) =>
        CallAsync(Write(operation), Nothing, cancellationToken);

    private StoreCall<T> Write<T>(Func<ValueTask<T>> operation)
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
        return new StoreCall<T>(operation, fault);
    }

    private async ValueTask<T> CallAsync<T>(StoreCall<T> call, Action carriedOut, CancellationToken cancellationToken)
    {
        FaultCount += call.Fault == StoreFault.None ? 0 : 1;
        TimeSpan there = random.Between(Faults.LatencyMin, Faults.LatencyMax);
        TimeSpan back = random.Between(Faults.LatencyMin, Faults.LatencyMax);
        Completion<T> reply = new();
        using CancellationTokenRegistration cancellation = cancellationToken.UnsafeRegister(
            static (state, token) => ((Completion<T>)state!).TryCancel(token), reply);
        _ = _server.StartNew(async () =>
        {
            await clock.DelayAsync(there);
            await ServeAsync(call, reply, back);
            carriedOut();
        });
        return await reply.WaitAsync();
    }

    private async Task ServeAsync<T>(StoreCall<T> call, Completion<T> reply, TimeSpan back)
    {
        if (IsOut)
        {
            FaultCount++;
            reply.TryFail(Unavailable("The store is out.", CommitOutcome.NotCommitted));
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

        if (call.Fault == StoreFault.ReplyLost)
        {
            reply.TryFail(Unavailable("The connection broke on the way back.", CommitOutcome.Unknown));
            return;
        }

        _ = AnswerAsync(reply, result, back);
    }

    private async Task AnswerAsync<T>(Completion<T> reply, T result, TimeSpan back)
    {
        await clock.DelayAsync(back);
        reply.TrySet(result);
    }

    private static StoreUnavailableException Unavailable(string what, CommitOutcome outcome) =>
        new($"{what} (simulated)", outcome);
}
