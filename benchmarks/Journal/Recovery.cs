// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Sqlite;

namespace KvmActors.Benchmarks.Journal;

/// <summary>How fast a long journal is read, its chain checked and its events decoded.</summary>
internal static class Recovery
{
    private const int Events = 500_000;
    private const int EventsInOne = 2_000;
    private const int Rounds = 5;

    public static async Task MeasureAsync(string folder, Action<string, FormattableString> print)
    {
        await using SqliteStore store = await SqliteStore.OpenAsync(
            Path.Combine(folder, "recovery.db"), new SqliteStoreOptions(), TimeProvider.System);
        StreamRow row = await FillAsync(store);
        List<double> rounds = [];
        for (int round = 0; round < Rounds; round++)
        {
            rounds.Add(await ReadAsync(store, row));
        }

        rounds.Sort();
        print("recovery: events read, checked, decoded", $"{rounds[Rounds / 2],12:n0} events/s");
    }

    private static async Task<StreamRow> FillAsync(SqliteStore store)
    {
        var first = StreamWriteBuilder.Create(VmId.Parse("long").Vcpu(0), new NodeId("node-1#1"));
        StreamRow row = first.Add(0, new JournalEvent.VcpuCreated(0)).Next;
        _ = await store.CommitAsync(new StoreTransaction(row.Stream.Vm, [first.Build()]), CancellationToken.None);
        for (ulong done = 0; done < Events; done += EventsInOne)
        {
            StreamWriteBuilder write = new(row);
            for (ulong number = 1; number <= EventsInOne; number++)
            {
                _ = write.Add((done + number) * 1000, Appends.Event(done + number));
            }

            row = write.Next;
            _ = await store.CommitAsync(new StoreTransaction(row.Stream.Vm, [write.Build()]), CancellationToken.None);
        }

        return row;
    }

    private static async Task<double> ReadAsync(SqliteStore store, StreamRow row)
    {
        long start = Stopwatch.GetTimestamp();
        JournalVerifier verifier = new(row.Stream);
        ulong instructions = 0;
        await foreach (JournalRecord record in store.ReadAsync(row.Stream, 1, row.HeadSeq, CancellationToken.None))
        {
            if (verifier.Next(record) is { } damage)
            {
                throw new InvalidOperationException(damage.ToString());
            }

            instructions += verifier.Event is JournalEvent.Progress progress
                ? progress.InstructionsRetired
                : 0;
        }

        GC.KeepAlive(instructions);
        return row.HeadSeq / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
