// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Sqlite;

namespace KvmActors.Persistence.Tests.Processes;

/// <summary>Real processes on one store file, killed and stopped where it hurts.</summary>
public sealed class KilledProcessTests : IDisposable
{
    private static readonly SqliteStoreOptions s_options = new() { Synchronous = SqliteSynchronous.Normal };
    private static readonly NodeId s_node = new("node-1#1");

    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_a_killed_process_was_told_is_durable_is_there_and_verifies()
    {
        var vm = VmId.Parse("web");
        ulong acknowledged = 0;
        using (ChildProcess child = await ChildProcess.StartAsync(
            ChildProgram.Append, _folder.StorePath, vm.Value, s_node.Value))
        {
            while (acknowledged < 200)
            {
                acknowledged = ulong.Parse((await child.ReadLineAsync())!, CultureInfo.InvariantCulture);
            }

            await child.KillAsync();
            while (await child.ReadLineAsync() is { } line)
            {
                acknowledged = ulong.TryParse(line, CultureInfo.InvariantCulture, out ulong seq) ? seq : acknowledged;
            }
        }

        await using SqliteStore store = await SqliteStore.OpenReadOnlyAsync(_folder.StorePath);
        StreamRow row = (await store.FindAsync(vm.Stream, default))!;

        Assert.True(row.HeadSeq >= acknowledged, $"{acknowledged} acknowledged, {row.HeadSeq} there");
        Assert.Null(await JournalVerifier.CheckAsync(store, vm.Stream, default));
    }

    [Fact]
    public async Task Several_processes_that_write_one_file_all_get_their_turn()
    {
        string[] names = ["a", "b", "c"];
        ChildProcess[] children = await Task.WhenAll(names.Select(name =>
            ChildProcess.StartAsync(ChildProgram.Append, _folder.StorePath, name, s_node.Value)));
        try
        {
            // Each must reach the mark while the others write on.
            await Task.WhenAll(children.Select(async child =>
            {
                while (await child.ReadLineAsync() is { } line && line != "100")
                {
                }
            }));
        }
        finally
        {
            Array.ForEach(children, child => child.Dispose());
        }

        await using SqliteStore store = await SqliteStore.OpenReadOnlyAsync(_folder.StorePath);
        foreach (string name in names)
        {
            Assert.True((await store.FindAsync(new StreamId(name), default))!.HeadSeq >= 100);
            Assert.Null(await JournalVerifier.CheckAsync(store, new StreamId(name), default));
        }
    }

    [Fact]
    public async Task A_process_killed_while_it_holds_the_turn_gives_it_back()
    {
        await using SqliteStore store = await SqliteStore.OpenAsync(_folder.StorePath, s_options, TimeProvider.System);
        using ChildProcess child = await ChildProcess.StartAsync(ChildProgram.HoldTurn, _folder.StorePath);
        Task<bool> write = store.LeaveAsync(s_node, default).AsTask()
            .ContinueWith(done => done.IsCompletedSuccessfully);
        Assert.False(write.IsCompleted);

        await child.KillAsync();

        Assert.True(await write.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task A_process_stopped_while_it_holds_the_turn_is_killed()
    {
        SqliteStoreOptions options = s_options with
        {
            StoppedHolderAfter = TimeSpan.FromMilliseconds(300),
            CommitTimeout = TimeSpan.FromSeconds(30),
        };
        await using SqliteStore store = await SqliteStore.OpenAsync(_folder.StorePath, options, TimeProvider.System);
        using ChildProcess child = await ChildProcess.StartAsync(ChildProgram.HoldTurn, _folder.StorePath);
        await child.StopAsync();

        await store.LeaveAsync(s_node, default);

        await child.WaitForExitAsync();
        Assert.True(child.HasExited);
    }

    [Fact]
    public async Task A_process_that_is_only_slow_is_not_killed_and_its_waiters_are_refused_with_its_name()
    {
        SqliteStoreOptions options = s_options with
        {
            StoppedHolderAfter = TimeSpan.FromMilliseconds(1),
            CommitTimeout = TimeSpan.FromMilliseconds(500),
        };
        await using SqliteStore store = await SqliteStore.OpenAsync(_folder.StorePath, options, TimeProvider.System);
        using ChildProcess child = await ChildProcess.StartAsync(ChildProgram.HoldTurn, _folder.StorePath);

        StoreUnavailableException fault = await Assert.ThrowsAsync<StoreUnavailableException>(
            async () => await store.LeaveAsync(s_node, default));

        Assert.Equal(CommitOutcome.NotCommitted, fault.Outcome);
        Assert.Contains($"process {child.Id} ", fault.Message, StringComparison.Ordinal);
        Assert.False(child.HasExited);
        await child.KillAsync();
        await store.LeaveAsync(s_node, default);
    }

    [Fact]
    public async Task A_nodes_lock_proves_its_death_and_only_that()
    {
        Assert.Null(NodeProcessLock.TryProveDead(_folder.StorePath, s_node));
        using ChildProcess child = await ChildProcess.StartAsync(
            ChildProgram.HoldNode, _folder.StorePath, s_node.Value);
        Assert.Null(NodeProcessLock.TryProveDead(_folder.StorePath, s_node));

        await child.StopAsync();
        Assert.Null(NodeProcessLock.TryProveDead(_folder.StorePath, s_node));
        await child.KillAsync();

        using var proof = NodeProcessLock.TryProveDead(_folder.StorePath, s_node);
        Assert.NotNull(proof);
        Assert.Null(NodeProcessLock.TryProveDead(_folder.StorePath, s_node));
    }
}
