// SPDX-License-Identifier: Apache-2.0

using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Host.Debug;
using KvmActors.Host.Tests.Cli;
using KvmActors.Host.Tests.Debug;
using KvmActors.Host.Tests.Node;
using KvmActors.Host.Tests.Solo;
using KvmActors.Samples.Guests;

namespace KvmActors.Host.Tests.Journal;

/// <summary>What was recorded by node processes of one vendor, and is replayed, debugged, forked and restored where the
/// nodes are the other's: the journal's vendor counts. One of both is not this machine's vendor either.</summary>
public sealed class OtherVendorTests : IDisposable
{
    /// <summary>About 20 million instructions. It does not end before it is saved: its key comes only then.</summary>
    private static readonly StoryGuestSize s_size =
        new(Rounds: 20, BufferBytes: 16 << 10, SegmentNumbers: 32 << 10) { GateRound = 10 };

    private readonly GuestFiles _files = new();

    private string Store => _files.Path("here.db");

    private string SavedVm => _files.Path("web.kvm");

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("intel", "amd")]
    [InlineData("amd", "intel")]
    public async Task The_journals_vendor_counts_where_the_nodes_are_the_others(string recorded, string other)
    {
        string console = await RecordAsync(recorded, other);
        JsonElement[] patches = await PatchesAsync("web", Store);
        Assert.NotEmpty(patches);
        Assert.All(patches, patch => Assert.Equal(recorded, Text(patch, "hostVendor")));
        JsonElement whole = await ReplayAsync("web", Store);
        Assert.Equal(patches.Length, whole.GetProperty("patchesSeen").GetInt32());

        using (NodeProcess node = Start("node-2", other, Store))
        {
            string address = await AddressAsync(node);
            await ForkAsync(address, console, other);
            await LookIntoItsPastAsync(patches);
            Assert.Equal(Text(whole, "memorySum"), Text(await ReplayAsync("web", Store), "memorySum"));
            await StopAsync(node);
        }

        using NodeProcess there = Start("node-3", other, _files.Path("there.db"));
        await RestoreAsync(await AddressAsync(there), console, other);
        await StopAsync(there);
    }

    /// <summary>A whole life on a node of one vendor, of a guest that was built for the other. It is saved on the
    /// way.</summary>
    /// <returns>Its console, without the guest's own time: each later life gets its key at another.</returns>
    private async Task<string> RecordAsync(string recorded, string builtFor)
    {
        string image = _files.Path("story.elf");
        HostVendor vendor = builtFor == "intel" ? HostVendor.Intel : HostVendor.Amd;
        await File.WriteAllBytesAsync(image, StoryGuest.Build(vendor, s_size));
        using NodeProcess node = Start("node-1", recorded, Store);
        string address = await AddressAsync(node);
        await DoneAsync("vm", "create", "web", "--image", image, "--memory", "64M", "--start", "--at", address);
        await DoneAsync("vm", "save", "web", SavedVm, "--at", address);
        string console = await GatedGuest.FinishAsync(address, "web");
        await StopAsync(node);
        return GatedGuest.Timeless(console);
    }

    /// <summary>A fork of the middle has the state of there, and comes to the same end on the other vendor's node.
    /// </summary>
    private async Task ForkAsync(string address, string console, string other)
    {
        await DoneAsync("vm", "fork", "web", "--at", "5M", "--as", "fork", "--link", address);
        JsonElement replayed = Json(await ProgramAsync(
            "journal", "replay", "web", "--to", "5M", "--store", Store, "--json"));
        JsonElement born = (await ExportAsync("fork", Store))[0].GetProperty("data").GetProperty("origin");
        Assert.Equal(
            (Text(replayed, "stateHash"), Text(replayed, "memorySum")), (Text(born, "state"), Text(born, "memory")));

        await DoneAsync("vm", "start", "fork", "--at", address);
        Assert.Equal(console, GatedGuest.Timeless(await GatedGuest.FinishAsync(address, "fork")));
        await ReplayAsync("fork", Store);
        Assert.All(await PatchesAsync("fork", Store), patch => Assert.Equal(other, Text(patch, "hostVendor")));
    }

    /// <summary>What gdb is told of the end is what the recording node's guest had in memory: its patches.</summary>
    private async Task LookIntoItsPastAsync(JsonElement[] patches)
    {
        await using DebugVerbRun server = await DebugVerbRun.StartAsync("web", "--store", Store);
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, server.Port);
        NetworkStream stream = client.GetStream();
        await AskAsync(stream, $"qRcmd,{Convert.ToHexStringLower("goto end"u8)}");
        foreach (JsonElement patch in patches)
        {
            string address = Text(patch, "linear").Replace("0x", "", StringComparison.Ordinal);
            Assert.Equal(Text(patch, "after"), await AskAsync(stream, $"m{address},3"));
        }
    }

    private async Task RestoreAsync(string address, string console, string other)
    {
        JsonElement restored = Json(await DoneAsync("vm", "restore", SavedVm, "--json", "--at", address));
        Assert.Equal(other, Text(restored, "hostVendor"));
        await DoneAsync("vm", "start", "web", "--at", address);
        Assert.Equal(console, GatedGuest.Timeless(await GatedGuest.FinishAsync(address, "web")));
        await ReplayAsync("web", _files.Path("there.db"));
        Assert.All(
            await PatchesAsync("web", _files.Path("there.db")),
            patch => Assert.Equal(other, Text(patch, "hostVendor")));
    }

    /// <summary>Every state and every stored snapshot, in a process of its own.</summary>
    private static async Task<JsonElement> ReplayAsync(string vm, string store)
    {
        await DoneAsync("journal", "verify", vm, "--store", store);
        JsonElement report = Json(await ProgramAsync(
            "journal", "replay", vm, "--verify", "--store", store, "--json"));
        Assert.True(report.GetProperty("equal").GetBoolean());
        Assert.NotEqual(0, report.GetProperty("statesCompared").GetInt32());
        return report;
    }

    private static async Task<JsonElement[]> PatchesAsync(string vm, string store) =>
    [
        .. (await ExportAsync(vm, store)).Where(line => Text(line, "kind") == "PatchApplied")
            .Select(line => line.GetProperty("data")),
    ];

    private static async Task<JsonElement[]> ExportAsync(string vm, string store)
    {
        CliRun run = await DoneAsync("journal", "export", vm, "--store", store);
        return
        [
            .. run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonDocument.Parse(line).RootElement),
        ];
    }

    private static async Task<string> AskAsync(NetworkStream stream, string packet)
    {
        await stream.WriteAsync(GdbFrameEncoder.Encode(Encoding.ASCII.GetBytes(packet)));
        while (true)
        {
            StringBuilder reply = new();
            while (await ByteAsync(stream) != '$')
            {
                // An acknowledgement.
            }

            for (char next = await ByteAsync(stream); next != '#'; next = await ByteAsync(stream))
            {
                reply.Append(next);
            }

            _ = (await ByteAsync(stream), await ByteAsync(stream));
            stream.WriteByte((byte)'+');
            if (!reply.ToString().StartsWith('O') || reply.ToString() == "OK")
            {
                return reply.ToString();
            }
        }
    }

    private static async Task<char> ByteAsync(NetworkStream stream)
    {
        byte[] next = new byte[1];
        await stream.ReadExactlyAsync(next);
        return (char)next[0];
    }

    private NodeProcess Start(string name, string vendor, string store)
    {
        // All have one table, so that a guest may go anywhere: only the vendor of the nodes differs.
        string table = Repository.File("samples/cpuid/intel-xeon-platinum-9242.txt");
        string config = _files.Text($"{name}.conf", $$"""
            kvmactors.node { name = {{name}}, link = "127.0.0.1:0", host-vendor = {{vendor}}, rehearsal = off }
            kvmactors.node.cpuid-source = "file {{table}}"
            kvmactors.store.path = "{{store}}"
            """);
        return new NodeProcess("node", "run", "--config", config, "--until-input-ends");
    }

    private static async Task<string> AddressAsync(NodeProcess node) =>
        (await node.ReadyAsync())!.Split(' ')[^1].TrimEnd('.');

    private static async Task StopAsync(NodeProcess node)
    {
        node.Terminate();
        Assert.Equal(0, (await node.EndAsync()).ExitCode);
    }

    private static string Text(JsonElement parent, string name) => parent.GetProperty(name).GetString()!;

    private static JsonElement Json(CliRun run) => JsonDocument.Parse(run.Out).RootElement;

    private static async Task<CliRun> ProgramAsync(params string[] arguments) =>
        Checked(await NodeProcess.RunAsync(arguments));

    private static async Task<CliRun> DoneAsync(params string[] arguments) => Checked(await CliRun.OfAsync(arguments));

    private static CliRun Checked(CliRun run)
    {
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return run;
    }
}
