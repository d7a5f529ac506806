// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Benchmarks.Parts;
using KvmActors.Machine.Hashing;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Sqlite;

namespace KvmActors.Benchmarks.Journal;

/// <summary>A hundred vCPUs append at once, each its next event when the last one is durable; beside them SQLite alone,
/// with a hundred rows of the same size in each transaction, as durable.</summary>
internal static class Appends
{
    public const int Vcpus = 100;
    public const int EventsEach = 300;
    private const int Rounds = 7;

    /// <summary>What Akka.Persistence with SQLite (WAL) was found to persist in a second, by 100 actors on this kind of
    /// machine.</summary>
    private const double AkkaEvents = 2_900;

    private static readonly NodeId s_node = new("node-1#1");

    public static async Task MeasureAsync(string folder, Action<string, FormattableString> print)
    {
        // In turns, so that both meet the same disk and the same neighbours.
        ((double Speed, double Group) Ours, double Raw)[] rounds = new ((double, double), double)[Rounds];
        for (int round = 0; round < Rounds; round++)
        {
            rounds[round] = (
                await OursAsync(Path.Combine(folder, $"appends-{round}.db")),
                RawAppends.Measure(Path.Combine(folder, $"raw-{round}.db"), Vcpus, EventsEach));
        }

        double ours = Median.Of(rounds.Select(round => round.Ours.Speed));
        double group = Median.Of(rounds.Select(round => round.Ours.Group));
        double raw = Median.Of(rounds.Select(round => round.Raw));
        double ratio = Median.Of(rounds.Select(round => round.Raw / round.Ours.Speed));
        print(
            "appends of 100 vCPUs, each event durable",
            $"{ours,12:n0} events/s, {ours / AkkaEvents:f1} times Akka's; {group:f0} a commit");
        print("SQLite alone, 100 rows a transaction", $"{raw,12:n0} rows/s, {ratio:f2} times as many");
    }

    /// <summary>The events of one guest that does nothing but report.</summary>
    public static JournalEvent Event(ulong number) => new JournalEvent.Progress(
        number * 1000, number, new StateHash(new string('5', 64)), Memory: null);

    private static async Task<(double Speed, double Group)> OursAsync(string path)
    {
        await using SqliteStore store =
            await SqliteStore.OpenAsync(path, new SqliteStoreOptions(), TimeProvider.System);
        return await RunAsync(store, () => store.GroupsCommitted);
    }

    /// <summary>On an empty store.</summary>
    /// <returns>Events a second, and events a commit.</returns>
    public static async Task<(double Speed, double Group)> RunAsync(IStore store, Func<long> groups)
    {
        var rows = new StreamRow[Vcpus];
        for (int vcpu = 0; vcpu < Vcpus; vcpu++)
        {
            var created = StreamWriteBuilder.Create(VmId.Parse($"vm-{vcpu}").Vcpu(0), s_node);
            rows[vcpu] = created.Add(0, new JournalEvent.VcpuCreated(0)).Next;
            await CommitAsync(store, created.Build());
        }

        long before = groups();
        long start = Stopwatch.GetTimestamp();
        await Task.WhenAll(rows.Select(row => Task.Run(() => AppendAsync(store, row))));
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        const double Events = Vcpus * EventsEach;
        return (Events / seconds, Events / (groups() - before));
    }

    private static async Task AppendAsync(IStore store, StreamRow row)
    {
        for (ulong number = 1; number <= EventsEach; number++)
        {
            StreamWriteBuilder write = new StreamWriteBuilder(row).Add(number * 1000, Event(number));
            row = write.Next;
            await CommitAsync(store, write.Build());
        }
    }

    private static async Task CommitAsync(IStore store, StreamWrite write)
    {
        CommitResult result = await store.CommitAsync(
            new StoreTransaction(write.Next.Stream.Vm, [write]), CancellationToken.None);
        if (result is not CommitResult.Committed)
        {
            throw new InvalidOperationException($"Expected the append to land, found {result}.");
        }
    }
}
