// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Host.Tests.Cli;
using KvmActors.Host.Tests.Solo;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Sqlite;
using KvmActors.Samples.Guests;

namespace KvmActors.Host.Tests.Node;

/// <summary>store stat and store gc, beside a node that runs a guest and takes snapshots all the time.</summary>
public sealed class StoreVerbTests : IAsyncLifetime, IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly GuestFiles _files = new();
    private LiveNode _node = null!;

    private string Store => _files.Path("store.db");

    public async Task InitializeAsync() => _node = await LiveNode.StartAsync(
        Store,
        "node-1",
        """
        kvmactors.journal.snapshot-interval = 1ms
        kvmactors.journal.snapshot-wait-max = 0s
        kvmactors.journal.snapshots-kept = 2
        kvmactors.journal.replay-max = 5ms
        """);

    public async Task DisposeAsync() => await _node.DisposeAsync();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_collection_beside_a_running_guest_takes_what_its_dropped_snapshots_named()
    {
        string image = _files.Story(
            new StoryGuestSize(Rounds: 40, BufferBytes: 16 << 10, SegmentNumbers: 32 << 10) { GateRound = 30 });
        await DoneAsync("vm", "create", "web", "--image", image, "--memory", "64M", "--start", "--at", _node.Address);
        Task<CliRun> console = CliRun.OfAsync("vm", "console", "web", "--at", _node.Address);
        long pages = await CollectUntilAsync(static pages => pages > 0);
        Assert.False(console.IsCompleted);
        await GatedGuest.SendKeyAsync(_node.Address, "web");
        await CollectUntilAsync(_ => console.IsCompleted);

        Assert.Equal(0, (await console).ExitCode);
        Assert.NotEqual(0, pages);
        await DoneAsync("store", "gc", "--store", Store);
        JsonElement held = Json(await DoneAsync("store", "stat", "--store", Store, "--json"));
        Assert.Equal(0, held.GetProperty("reclaimable").GetProperty("count").GetInt64());
        Assert.InRange(held.GetProperty("sharedShare").GetDouble(), 0.5, 1);
        await DoneAsync("journal", "verify", "--store", Store);
        await DoneAsync("journal", "replay", "web", "--store", Store);
        long snapshots = held.GetProperty("snapshots").GetProperty("count").GetInt64();
        Assert.InRange(snapshots, 4, VmTimeOf(await DoneAsync("journal", "list", "--store", Store, "--json")) / 2.5e6);
    }

    [Fact]
    public async Task More_snapshots_are_dropped_on_demand_and_the_first_stays()
    {
        string image = _files.Story();
        await DoneAsync("vm", "create", "web", "--image", image, "--memory", "64M", "--start", "--at", _node.Address);
        await DoneAsync("vm", "console", "web", "--at", _node.Address);

        CliRun forecast = await DoneAsync("store", "gc", "--store", Store, "--keep-snapshots", "1", "--dry-run");
        CliRun collected = await DoneAsync("store", "gc", "--store", Store, "--keep-snapshots", "1");

        Assert.Equal(forecast.Out.Replace("Would delete", "Deleted", StringComparison.Ordinal), collected.Out);
        Assert.Matches("^Deleted [0-9]+ snapshots? and [0-9]+ pages? of [0-9,]+ bytes.\n$", collected.Out);
        CliRun held = await DoneAsync("store", "stat", "--store", Store);
        Assert.Matches("snapshots +2 of [0-9,]+ bytes\n", held.Out);
        Assert.Matches("reclaimable +0 of 0 bytes\n", held.Out);
        Assert.Matches("Progress +[0-9]+ +[0-9,]+\n", held.Out);
        await DoneAsync("journal", "verify", "--store", Store);
        await DoneAsync("journal", "replay", "web", "--store", Store);
    }

    [Fact]
    public async Task Replies_to_commands_are_kept_for_a_day_and_then_collected()
    {
        string path = _files.Path("replies.db");
        DedupEntry old = await KeepReplyAsync(path, "old", TimeSpan.FromHours(25));
        DedupEntry recent = await KeepReplyAsync(path, "recent", TimeSpan.FromHours(23));

        await DoneAsync("store", "gc", "--store", path, "--dry-run");
        Assert.NotNull(await FindReplyAsync(path, old));
        await DoneAsync("store", "gc", "--store", path);

        Assert.Null(await FindReplyAsync(path, old));
        Assert.NotNull(await FindReplyAsync(path, recent));
    }

    [Theory]
    [InlineData("gc")]
    [InlineData("stat")]
    public async Task What_is_no_store_is_left_alone(string verb)
    {
        string text = _files.Text("notes.txt", "These are notes, and no store at all.");

        CliRun none = await CliRun.OfAsync("store", verb, "--store", _files.Path("none.db"));
        CliRun other = await CliRun.OfAsync("store", verb, "--store", text);

        Assert.Contains("found no file", none.Error, StringComparison.Ordinal);
        Assert.Contains("Expected a KvmActors store", other.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_files.Path("none.db")));
        Assert.Equal("These are notes, and no store at all.", await File.ReadAllTextAsync(text));
    }

    [Fact]
    public async Task The_latest_snapshot_cannot_be_dropped()
    {
        CliRun run = await CliRun.OfAsync("store", "gc", "--store", Store, "--keep-snapshots", "0");

        Assert.Equal(CliFault.Refused, run.ExitCode);
        Assert.Contains("Expected at least 1 snapshot to keep", run.Error, StringComparison.Ordinal);
    }

    /// <returns>Pages collected.</returns>
    private async Task<long> CollectUntilAsync(Func<long, bool> isEnough)
    {
        long begun = TimeProvider.System.GetTimestamp();
        long pages = 0;
        while (!isEnough(pages))
        {
            Assert.InRange(TimeProvider.System.GetElapsedTime(begun), TimeSpan.Zero, s_patience);
            JsonElement collected = Json(await DoneAsync("store", "gc", "--store", Store, "--json"));
            pages += collected.GetProperty("pages").GetInt64();
        }

        return pages;
    }

    private static async Task<DedupEntry> KeepReplyAsync(string path, string vm, TimeSpan age)
    {
        var id = VmId.Parse(vm);
        NodeId node = new("node-1#1");
        MachineSpec spec = new(1, 1 << 20, HypercallPatchPolicy.Auto, 20_000);
        StreamWrite write = StreamWriteBuilder.Create(id.Stream, node)
            .Add(0, new JournalEvent.VmCreated(spec, "story.elf", new string('a', 64), "story.elf"))
            .Build();
        DedupEntry reply = new(id.Stream, new CommandId("cli", vm), new byte[] { 42 });
        await using SqliteStore store = await SqliteStore.OpenAsync(path, new SqliteStoreOptions(), new PastTime(age));
        Assert.IsType<CommitResult.Committed>(
            await store.CommitAsync(new StoreTransaction(id, [write], Dedup: reply), CancellationToken.None));
        return reply;
    }

    private static async Task<DedupEntry?> FindReplyAsync(string path, DedupEntry reply)
    {
        await using SqliteStore store = await SqliteStore.OpenReadOnlyAsync(path);
        return await store.FindReplyAsync(reply.Stream, reply.Command, CancellationToken.None);
    }

    private static double VmTimeOf(CliRun list) =>
        Json(list).EnumerateArray().Max(stream => stream.GetProperty("vmTime").GetUInt64());

    private static JsonElement Json(CliRun run) => JsonDocument.Parse(run.Out).RootElement;

    private static async Task<CliRun> DoneAsync(params string[] arguments)
    {
        CliRun run = await CliRun.OfAsync(arguments);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return run;
    }

    /// <summary>The system's clock, so much ago.</summary>
    private sealed class PastTime(TimeSpan age) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() - age;
    }
}
