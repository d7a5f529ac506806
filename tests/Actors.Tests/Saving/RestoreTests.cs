// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Saving;
using KvmActors.Actors.Tests.Cluster;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Files;
using KvmActors.Persistence.Snapshots;
using KvmActors.TestKit.Guests;
using Xunit;

namespace KvmActors.Actors.Tests.Saving;

/// <summary>A VM saved in one cluster, restored in another: what its journal says there, and what a failover and a twin
/// make of it.</summary>
public sealed class RestoreTests
{
    [Fact]
    public async Task A_restored_vm_survives_its_node_and_equals_its_twin()
    {
        byte[] file = await SaveAsync(vmTime: 25_000_000);
        (string whole, _) = RunThrough(HostVendor.Intel);
        TestCluster there = new(seed: 92, HostVendor.Amd, HostVendor.Intel);
        string console = "";

        there.World.Run(async () =>
        {
            await there.StartAllAsync();
            VmDraft draft = await DraftAsync(there, file);
            Assert.IsType<ControlReply.Done>(await RestoreAsync(there, "node-1", draft));
            Assert.IsType<ControlReply.Done>(await there.OrderAsync("node-1", new VmCommand.Start()));
            await there.WaitForAsync("node-1", status => status.VmTime > 45_000_000);
            Task<string> reading = there.ReadConsoleAsync("node-2");
            there["node-1"].Process.Kill();
            VmStatus status = await there.WaitForAsync("node-2", status => status.Lifecycle == VmLifecycle.Ended);
            Assert.Equal(new Epoch(2), status.Epoch);
            console = await reading;
        });

        Assert.Equal(whole, console);
        await AssertEqualToTwinAsync(there, file);
    }

    [Fact]
    public async Task A_vm_that_dies_before_it_ran_is_rebuilt_where_it_was_restored()
    {
        byte[] file = await SaveAsync(vmTime: 25_000_000);
        TestCluster there = new(seed: 93, HostVendor.Amd, HostVendor.Intel);

        there.World.Run(async () =>
        {
            await there.StartAllAsync();
            VmDraft draft = await DraftAsync(there, file);
            await RestoreAsync(there, "node-1", draft);
            there["node-1"].Process.Kill();
            VmStatus status = await there.WaitForAsync("node-2", status => status.Recovery is not null);

            Assert.Equal(draft.Machine.VmTime, status.VmTime);
            Assert.Equal(draft.Created.Origin!.InstructionsRetired, status.InstructionsRetired);
            Assert.Equal(draft.Machine.ConsoleBytes, status.ConsoleBytes);
            await there.OrderAsync("node-2", new VmCommand.Start());
            await there.WaitForAsync("node-2", status => status.Lifecycle == VmLifecycle.Ended);
        });

        await AssertEqualToTwinAsync(there, file);
    }

    [Fact]
    public async Task What_is_not_the_state_that_was_saved_is_refused_and_leaves_nothing()
    {
        byte[] file = await SaveAsync(vmTime: 25_000_000);
        TestCluster there = new(seed: 94, HostVendor.Intel);

        there.World.Run(async () =>
        {
            await there.StartAllAsync();
            VmDraft draft = await DraftAsync(there, file);
            VmDraft fewer = draft with { Pages = draft.Pages.RemoveAt(draft.Pages.Length - 1) };
            VmDraft booted = draft with { Created = draft.Created with { Origin = null } };

            foreach (VmDraft wrong in (VmDraft[])[fewer, booted])
            {
                Refusal why = Assert.IsType<ControlReply.Refused>(await RestoreAsync(there, "node-1", wrong)).Why;
                Assert.Equal(RefusalKind.Invalid, why.Kind);
                Assert.Empty(await there.Store.ListAsync(CancellationToken.None));
            }

            Assert.IsType<ControlReply.Done>(await RestoreAsync(there, "node-1", draft));
            Refusal again = Assert.IsType<ControlReply.Refused>(await RestoreAsync(there, "node-1", draft)).Why;
            Assert.Equal(RefusalKind.Exists, again.Kind);
        });
    }

    [Fact]
    public async Task A_retry_of_a_restore_is_answered_and_not_repeated()
    {
        byte[] file = await SaveAsync(vmTime: 25_000_000);
        TestCluster there = new(seed: 95, HostVendor.Intel, HostVendor.Intel);

        there.World.Run(async () =>
        {
            await there.StartAllAsync();
            VmDraft draft = await DraftAsync(there, file) with { OnNode = "node-2" };
            CommandId id = there.NextCommand();

            ControlReply first = await there["node-1"].AskAsync(new ControlRequest.RestoreVm(id, draft));
            ControlReply second = await there["node-2"].AskAsync(new ControlRequest.RestoreVm(id, draft));

            Assert.IsType<ControlReply.Done>(first);
            Assert.Equal(first, second);
            Assert.Equal("node-2", (await there.ShowAsync("node-1")).Owner!.Value.Name);
        });
    }

    [Fact]
    public async Task A_vm_that_was_saved_ran_on_as_if_it_had_not_been()
    {
        byte[] file = await SaveAsync(vmTime: 25_000_000);

        Assert.Equal(RunThrough(HostVendor.Intel).Console, RunThrough(HostVendor.Intel, savesAt: 25_000_000).Console);
        SavedVm saved = (await ReadAsync(file)).Saved;
        Assert.True(saved.Machine.VmTime > 25_000_000);
        Assert.Equal("node-1#1", saved.Node.Value);
        Assert.Null(saved.Created.Origin);
    }

    private static (string Console, ReplayReport Replay) RunThrough(HostVendor vendor, ulong? savesAt = null)
    {
        TestCluster cluster = new(seed: 91, vendor);
        string console = "";
        ReplayReport? replay = null;
        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            await cluster.CreateAsync("node-1");
            await cluster.OrderAsync("node-1", new VmCommand.Start());
            if (savesAt is { } vmTime)
            {
                await cluster.WaitForAsync("node-1", status => status.VmTime > vmTime);
                Assert.IsType<ControlReply.SnapshotTaken>(
                    await cluster.OrderAsync("node-1", new VmCommand.TakeSnapshot()));
            }

            console = await cluster.ReadConsoleAsync("node-1");
            replay = await cluster.ReplayAsync();
            Assert.Null(replay.Divergence);
        });
        return (console, replay!);
    }

    /// <summary>The file of a running VM of another cluster, whose only node is an Intel one.</summary>
    private static async Task<byte[]> SaveAsync(ulong vmTime)
    {
        TestCluster cluster = new(seed: 91, HostVendor.Intel);
        ControlReply.SnapshotTaken? taken = null;
        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            await cluster.CreateAsync("node-1");
            await cluster.OrderAsync("node-1", new VmCommand.Start());
            await cluster.WaitForAsync("node-1", status => status.VmTime > vmTime);
            CommandId id = cluster.NextCommand();
            ControlReply reply = await cluster.OrderAsync("node-1", new VmCommand.TakeSnapshot(), id);
            taken = Assert.IsType<ControlReply.SnapshotTaken>(reply);
            Assert.Equal(reply, await cluster.OrderAsync("node-1", new VmCommand.TakeSnapshot(), id));
        });
        VmFileSource source = await VmFileSource.OpenAsync(
            cluster.Store, taken!.Vm, taken.Id, taken.Node, "model", CancellationToken.None);
        List<byte> file = [];
        await foreach (byte[] piece in source.ReadAsync(CancellationToken.None))
        {
            file.AddRange(piece);
        }

        return [.. file];
    }

    private static async Task<VmDraft> DraftAsync(TestCluster cluster, byte[] file) => await VmFileIntake.ReadAsync(
        cluster.Store, new MemoryStream(file), _ => TestCluster.Vm, onNode: null, CancellationToken.None);

    private static Task<ControlReply> RestoreAsync(TestCluster cluster, string node, VmDraft draft) =>
        cluster[node].AskAsync(new ControlRequest.RestoreVm(cluster.NextCommand(), draft));

    private static async Task<(SavedVm Saved, List<(int, ReadOnlyMemory<byte>)> Pages)> ReadAsync(byte[] file)
    {
        using SavedVmReader reader = await SavedVmReader.OpenAsync(new MemoryStream(file), CancellationToken.None);
        Dictionary<int, ReadOnlyMemory<byte>> pages = [];
        await foreach (IReadOnlyList<SavedPage> piece in reader.ReadPagesAsync(CancellationToken.None))
        {
            foreach (SavedPage page in piece)
            {
                pages[page.PageNumber] = page.SameAs is { } same ? pages[same] : page.Bytes;
            }
        }

        return (reader.Saved, [.. pages.Select(page => (page.Key, page.Value))]);
    }

    private static async Task AssertEqualToTwinAsync(TestCluster cluster, byte[] file)
    {
        ReplayReport replay = await cluster.ReplayAsync();
        Assert.Null(replay.Divergence);
        var script = TwinScript.From(await JournalReplayer.ReadHistoryAsync(
            cluster.Store, TestCluster.Vm, CancellationToken.None));
        Assert.Throws<ArgumentException>(() => TwinRun.Execute(script, cluster.Guests, TestCluster.Program.ToImage()));
        (SavedVm saved, List<(int, ReadOnlyMemory<byte>)> pages) = await ReadAsync(file);
        using IGuest guest = new ModelGuestFactory().Restore(saved.Created.Spec, saved.Machine, pages);
        TwinResult twin = TwinRun.Continue(script, guest);
        Assert.Equal((twin.State, twin.Memory), (replay.State, replay.Memory));
        Assert.Equal(twin.ConsoleSha256, replay.ConsoleSha256);
        SnapshotRecord first = await JournalReplayer.FirstSnapshotAsync(
            cluster.Store, TestCluster.Vm, CancellationToken.None);
        Assert.Equal((0ul, saved.Machine.VmTime), (first.Id, first.VmTime));
    }
}
