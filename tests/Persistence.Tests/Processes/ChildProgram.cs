// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Postgres;
using KvmActors.Persistence.Sqlite;

namespace KvmActors.Persistence.Tests.Processes;

/// <summary>What this assembly does when it is run as a program: the other process of a test.</summary>
internal static class ChildProgram
{
    internal const string Append = "append";
    internal const string HoldTurn = "hold-turn";
    internal const string HoldNode = "hold-node";
    internal const string Ready = "ready";

    private static async Task<int> Main(string[] args)
    {
        switch (args)
        {
            case [Append, string path, string vm, string node]:
                await AppendForeverAsync(path, VmId.Parse(vm), new NodeId(node));
                return 0;
            case [HoldTurn, string path]:
                HoldTheTurn(path);
                return 0;
            case [HoldNode, string path, string node]:
                using (NodeProcessLock.Hold(path, new NodeId(node)))
                {
                    WaitForParent();
                }

                return 0;
            default:
                await Console.Error.WriteLineAsync("Run the tests with dotnet test; this program is a part of them.");
                return 2;
        }
    }

    /// <summary>Appends to a stream of its own and tells each sequence that was acknowledged, until it is
    /// fenced or killed.</summary>
    private static async Task AppendForeverAsync(string path, VmId vm, NodeId node)
    {
        var options = new SqliteStoreOptions { Synchronous = SqliteSynchronous.Normal };
        await using IStore store = PostgresAddress.IsAddress(path)
            ? await PostgresStore.OpenAsync(PostgresAddress.Parse(path), new PostgresStoreOptions())
            : await SqliteStore.OpenAsync(path, options, TimeProvider.System);
        StreamWrite write = StreamWriteBuilder.Create(vm.Stream, node).Add(0, new JournalEvent.VcpuCreated(0)).Build();
        await Console.Out.WriteLineAsync(Ready);
        while (await store.CommitAsync(new StoreTransaction(vm, [write]), default) is CommitResult.Committed)
        {
            StreamRow row = write.Next;
            await Console.Out.WriteLineAsync(row.HeadSeq.ToString(CultureInfo.InvariantCulture));
            write = new StreamWriteBuilder(row)
                .Add(row.HeadSeq, new JournalEvent.Quarantined(new string('x', (int)(row.HeadSeq % 500))))
                .Build();
        }
    }

    private static void HoldTheTurn(string path)
    {
        using var turn = new WriterLock(path);
        turn.Acquire();
        WaitForParent();
        turn.Release();
    }

    private static void WaitForParent()
    {
        Console.Out.WriteLine(Ready);
        Console.In.ReadLine();
    }
}
