// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Actors.Replay;
using KvmActors.Host.Tests.Cli;
using KvmActors.Host.Tests.Solo;
using KvmActors.Machine.Hashing;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Sqlite;
using KvmActors.Samples.Guests;

namespace KvmActors.Host.Tests.Node;

/// <summary>vm save on a node of one cluster, vm restore on nodes of another, whose host vendors differ.</summary>
public sealed class VmSaveVerbTests : IAsyncLifetime, IDisposable
{
    private static readonly StoryGuestSize s_size = new(Rounds: 24, BufferBytes: 16 << 10, SegmentNumbers: 32 << 10);

    /// <summary>It runs until it gets its key.</summary>
    private static readonly StoryGuestSize s_gated = s_size with { GateRound = 12 };

    private readonly GuestFiles _files = new();
    private LiveNode _here = null!;
    private LiveNode _amd = null!;
    private LiveNode _intel = null!;

    private string File => _files.Path("web.kvm");

    public async Task InitializeAsync()
    {
        string cpuid = $"kvmactors.node.cpuid-source = \"file {Dump()}\"";
        _here = await LiveNode.StartAsync(
            _files.Path("here.db"), "node-1", $"kvmactors.node.host-vendor = intel\n{cpuid}");
        string store = _files.Path("there.db");
        _amd = await LiveNode.StartAsync(store, "there-1", $"kvmactors.node.host-vendor = amd\n{cpuid}");
        _intel = await LiveNode.StartAsync(store, "there-2", $"kvmactors.node.host-vendor = intel\n{cpuid}");
    }

    public async Task DisposeAsync()
    {
        await _here.DisposeAsync();
        await _amd.DisposeAsync();
        await _intel.DisposeAsync();
    }

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_running_vm_that_is_saved_runs_on_and_comes_to_the_same_end_where_it_is_restored()
    {
        CliRun alone = await CliRun.OfAsync(
            "run", _files.Story(s_size), "--host-vendor", "intel", "--cpuid", Dump());
        string image = _files.Story(s_gated);
        await DoneAsync(
            _here, "vm", "create", "web", "--image", image, "--memory", "64M", "--cpuid", Dump(), "--start");

        JsonElement saved = Json(await DoneAsync(_here, "vm", "save", "web", File, "--json"));

        string console = await GatedGuest.FinishAsync(_here.Address, "web");
        Assert.Equal(GatedGuest.Timeless(alone.Out), GatedGuest.TimelessWithoutGate(console));
        Assert.InRange(saved.GetProperty("vmTime").GetUInt64(), 0ul, VmTimeOf(await ShowAsync(_here, "web")) - 1);
        JsonElement restored = Json(await DoneAsync(
            _amd, "vm", "restore", File, "--as", "again", "--node", "there-2", "--json"));
        Assert.Equal(("again", "created", "there-2#1"), (
            restored.GetProperty("name").GetString(),
            restored.GetProperty("state").GetString(),
            restored.GetProperty("owner").GetString()));
        Assert.Equal(saved.GetProperty("vmTime").GetUInt64(), VmTimeOf(restored));
        await DoneAsync(_amd, "vm", "start", "again");
        string again = await GatedGuest.FinishAsync(_amd.Address, "again");
        Assert.Equal(GatedGuest.Timeless(console), GatedGuest.Timeless(again));
        await JournalsHoldAsync("again");
    }

    [Fact]
    public async Task A_paused_vm_goes_on_at_a_node_of_the_other_vendor_and_is_patched_there()
    {
        string image = _files.Story(s_gated);
        await DoneAsync(
            _here, "vm", "create", "web", "--image", image, "--memory", "64M", "--cpuid", Dump(), "--start");
        await DoneAsync(_here, "vm", "pause", "web");
        await DoneAsync(_here, "vm", "save", "web", File);
        CliRun before = await DoneAsync(_here, "vm", "console", "web", "--no-follow");

        JsonElement restored = Json(await DoneAsync(_intel, "vm", "restore", File, "--node", "there-1", "--json"));
        await DoneAsync(_intel, "vm", "start", "web");
        string after = await GatedGuest.FinishAsync(_intel.Address, "web");

        Assert.Equal("amd", restored.GetProperty("hostVendor").GetString());
        Assert.Equal(VmTimeOf(await ShowAsync(_here, "web")), VmTimeOf(restored));
        Assert.StartsWith(before.Out, after, StringComparison.Ordinal);
        JsonElement ended = await ShowAsync(_intel, "web");
        Assert.StartsWith("The guest ended itself", ended.GetProperty("end").GetString(), StringComparison.Ordinal);
        Assert.NotEqual(0, ended.GetProperty("patches").GetArrayLength());
        await JournalsHoldAsync("web");
        await PastCanBeVisitedAsync("web", VmTimeOf(restored));
    }

    [Fact]
    public async Task A_vm_that_never_ran_can_be_saved_and_restored_and_saved_again()
    {
        string image = _files.Story();
        await DoneAsync(_here, "vm", "create", "web", "--image", image, "--memory", "64M", "--cpuid", Dump());
        await DoneAsync(_here, "vm", "save", "web", File);
        await DoneAsync(_intel, "vm", "restore", File, "--as", "first", "--node", "there-2");

        JsonElement saved = Json(await DoneAsync(_amd, "vm", "save", "first", File, "--force", "--json"));
        await DoneAsync(_amd, "vm", "restore", File, "--as", "second", "--node", "there-2", "--start");

        Assert.Equal(0ul, saved.GetProperty("vmTime").GetUInt64());
        Assert.Equal("first", saved.GetProperty("vm").GetString());
        CliRun alone = await CliRun.OfAsync("run", image, "--host-vendor", "intel", "--cpuid", Dump());
        Assert.Equal(alone.Out, (await DoneAsync(_amd, "vm", "console", "second")).Out);
        await JournalsHoldAsync("first");
        await JournalsHoldAsync("second");
        await DoneAsync(_here, "journal", "replay", "web", "--store", _files.Path("here.db"));
    }

    [Fact]
    public async Task What_is_refused_leaves_no_file_and_no_vm()
    {
        await DoneAsync(_here, "vm", "create", "web", "--image", _files.Story(s_gated), "--memory", "64M", "--start");
        await DoneAsync(_here, "vm", "save", "web", File);

        Refused(await OnAsync(_here, "vm", "save", "web", File), "Expected no file at");
        Refused(await OnAsync(_here, "vm", "save", "none", _files.Path("none.kvm")), "Expected a VM named none");
        Refused(await OnAsync(_here, "vm", "save", "web", _files.Path("no/web.kvm")), "Expected to write");
        Refused(await OnAsync(_here, "vm", "restore", File), "Expected no VM named web");
        Refused(await OnAsync(_amd, "vm", "restore", File, "--node", "none"), "Expected an active node named none");
        Refused(await OnAsync(_amd, "vm", "restore", _files.Path("none.kvm")), "Expected a saved VM at");
        Refused(await OnAsync(_amd, "vm", "restore", _files.Story()), "Expected a saved VM, which begins with");
        Damage(File);
        Refused(await OnAsync(_amd, "vm", "restore", File), "The saved VM is damaged: expected section");
        Assert.Equal("[]\n", (await OnAsync(_amd, "vm", "list", "--json")).Out);
        Assert.Equal([File], Directory.GetFiles(Path.GetDirectoryName(File)!, "*.kvm*"));
        await GatedGuest.FinishAsync(_here.Address, "web");
        Refused(await OnAsync(_here, "vm", "save", "web", File, "--force"), "to be saved; found Ended");
    }

    [Fact]
    public async Task A_node_refuses_a_damaged_file_by_itself()
    {
        await DoneAsync(_here, "vm", "create", "web", "--image", _files.Story(), "--memory", "64M");
        await DoneAsync(_here, "vm", "save", "web", File);
        Damage(File);
        byte[] file = await System.IO.File.ReadAllBytesAsync(File);
        using Host.Control.ControlClient client = new(_amd.Address);
        Host.Control.V1.RestoreVmChunk[] chunks =
        [
            new() { Command = client.NextCommand(), Data = Google.Protobuf.ByteString.CopyFrom(file) },
        ];

        Host.Rpc.RpcException fault = await Assert.ThrowsAsync<Host.Rpc.RpcException>(() => client.UploadAsync(
            Host.Control.ControlMethods.RestoreVm, chunks.ToAsyncEnumerable(), CancellationToken.None));

        Assert.Equal(Host.Rpc.RpcStatus.InvalidArgument, fault.Status);
        Assert.Contains("at byte", fault.Message, StringComparison.Ordinal);
    }

    private static void Damage(string file)
    {
        byte[] bytes = System.IO.File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 1;
        System.IO.File.WriteAllBytes(file, bytes);
    }

    private async Task JournalsHoldAsync(string vm)
    {
        string store = _files.Path("there.db");
        await DoneAsync(_amd, "journal", "verify", vm, "--store", store);
        await DoneAsync(_amd, "journal", "replay", vm, "--store", store);
    }

    /// <summary>Its past begins where it was restored, in the state that its first snapshot has.</summary>
    private async Task PastCanBeVisitedAsync(string vm, ulong from)
    {
        await using SqliteStore store = await SqliteStore.OpenReadOnlyAsync(_files.Path("there.db"));
        using Timeline timeline = await Timeline.OpenAsync(
            store, VmId.Parse(vm), TimeProvider.System, CancellationToken.None);
        StateHash first = timeline.Machine.HashState();

        Assert.Equal(from, timeline.Start.VmTime);
        Assert.IsType<TimelineStop.AtEnd>(await timeline.GoToAsync(timeline.End, CancellationToken.None));
        Assert.NotEqual(first, timeline.Machine.HashState());
        await timeline.GoToAsync(timeline.Start, CancellationToken.None);
        Assert.Equal(first, timeline.Machine.HashState());
        Assert.Equal(first, timeline.History.Events.Select(next => next.Event)
            .OfType<JournalEvent.SnapshotTaken>().First().State);
    }

    private static async Task<JsonElement> ShowAsync(LiveNode node, string vm) =>
        Json(await DoneAsync(node, "vm", "show", vm, "--json"));

    private static ulong VmTimeOf(JsonElement vm) => vm.GetProperty("vmTime").GetUInt64();

    private static JsonElement Json(CliRun run) => JsonDocument.Parse(run.Out).RootElement;

    private static void Refused(CliRun run, string expected)
    {
        Assert.Equal(CliFault.Refused, run.ExitCode);
        Assert.Empty(run.Out);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    private static async Task<CliRun> DoneAsync(LiveNode node, params string[] arguments)
    {
        CliRun run = await OnAsync(node, arguments);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return run;
    }

    private static Task<CliRun> OnAsync(LiveNode node, params string[] arguments) => arguments[0] == "journal"
        ? CliRun.OfAsync(arguments)
        : CliRun.OfAsync([.. arguments, "--at", node.Address]);

    private static string Dump() => Repository.File("samples/cpuid/intel-xeon-platinum-9242.txt");
}
