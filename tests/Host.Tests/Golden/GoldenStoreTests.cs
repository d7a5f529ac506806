// SPDX-License-Identifier: Apache-2.0

using System.IO.Compression;
using System.Text.Json;
using KvmActors.Host.Tests.Cli;
using KvmActors.Host.Tests.Node;
using Xunit.Abstractions;

namespace KvmActors.Host.Tests.Golden;

/// <summary>What earlier versions recorded is opened with today's code: chains, events, snapshots, and every state of
/// the guest's life, from each of its snapshots.</summary>
/// <remarks>KVMACTORS_RECORD_GOLDEN=FOLDER records a new one there. Old ones stay.</remarks>
public sealed class GoldenStoreTests(ITestOutputHelper output) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kvmactors-golden-");

    public static TheoryData<string> Goldens => [.. Directory.GetDirectories(
        Repository.File("tests/Host.Tests/Golden")).Select(path => Path.GetFileName(path)!).Order()];

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Goldens))]
    public async Task What_was_recorded_once_is_read_and_replayed(string version) =>
        await CheckAsync(Repository.File($"tests/Host.Tests/Golden/{version}"));

    [Fact]
    public async Task What_is_recorded_today_is_as_good_as_golden()
    {
        string made = Environment.GetEnvironmentVariable("KVMACTORS_RECORD_GOLDEN") is { Length: > 0 } given
            ? Path.GetFullPath(given)
            : Path.Combine(_folder.FullName, "made");

        await GoldenRecording.MakeAsync(made);

        await CheckAsync(made);
        string journal = await File.ReadAllTextAsync(Path.Combine(made, "journal.jsonl"));
        foreach (string kind in new[]
        {
            "VmCreated", "VcpuCreated", "CpuidSet", "Placed", "InputArrived", "LifecycleChanged", "MigrationStarted",
            "HandedOff", "PatchApplied", "Progress", "SnapshotTaken",
        })
        {
            Assert.Contains($"\"kind\":\"{kind}\"", journal, StringComparison.Ordinal);
        }
    }

    private async Task CheckAsync(string golden)
    {
        string store = await UnpackAsync(golden);
        string[] committed = await File.ReadAllLinesAsync(Path.Combine(golden, "journal.jsonl"));

        output.WriteLine((await DoneAsync("journal", "verify", "--store", store)).Out);
        string[] today = (await DoneAsync("journal", "export", "--store", store)).Out
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(committed.Length, today.Length);
        foreach ((string expected, string found) in committed.Zip(today))
        {
            AssertHas(Json(expected), Json(found), expected);
        }

        await AssertReplaysAsync(store);
        await AssertRestoresAsync(Path.Combine(golden, "web.kvm"));
    }

    private async Task AssertReplaysAsync(string store)
    {
        JsonElement snapshots = Json(
            (await DoneAsync("journal", "list", "--snapshots", "--store", store, "--json")).Out);
        Assert.InRange(snapshots.GetArrayLength(), 3, 100);
        HashSet<(string Vm, string End)> ends = [];
        foreach (JsonElement snapshot in snapshots.EnumerateArray())
        {
            string id = $"snapshot:{snapshot.GetProperty("snapshot").GetUInt64()}";
            string vm = snapshot.GetProperty("vm").GetString()!;
            JsonElement replay = Json((await DoneAsync(
                "journal", "replay", vm, "--from", id, "--verify", "--store", store, "--json")).Out);
            Assert.True(replay.GetProperty("equal").GetBoolean());
            Assert.NotEqual(0, replay.GetProperty("statesCompared").GetInt32());
            output.WriteLine($"from {id}: {replay.GetProperty("sentence").GetString()}");
            ends.Add((vm, replay.GetProperty("stateHash").GetString()!));
        }

        Assert.Equal(ends.Count, ends.Select(end => end.Vm).Distinct().Count());
    }

    /// <summary>A restore compares the guest's state and memory with what the file says of them.</summary>
    private async Task AssertRestoresAsync(string file)
    {
        string dump = Repository.File("samples/cpuid/amd-epyc-9334.txt");
        await using LiveNode node = await LiveNode.StartAsync(
            Path.Combine(_folder.FullName, $"{Guid.NewGuid():n}.db"),
            "node-1",
            $"kvmactors.node.host-vendor = amd\nkvmactors.node.cpuid-source = \"file {dump}\"");
        JsonElement restored = Json((await DoneAsync("vm", "restore", file, "--json", "--at", node.Address)).Out);
        Assert.Equal("created", restored.GetProperty("state").GetString());
        await DoneAsync("vm", "start", "web", "--at", node.Address);
        JsonElement shown = Json((await DoneAsync("vm", "show", "web", "--json", "--at", node.Address)).Out);
        Assert.Equal("running", shown.GetProperty("state").GetString());
    }

    private async Task<string> UnpackAsync(string golden)
    {
        string store = Path.Combine(_folder.FullName, $"{Guid.NewGuid():n}.db");
        await using FileStream packed = File.OpenRead(Path.Combine(golden, "store.db.gz"));
        await using GZipStream gzip = new(packed, CompressionMode.Decompress);
        await using FileStream plain = File.Create(store);
        await gzip.CopyToAsync(plain);
        return store;
    }

    /// <summary>Every field that was exported then is there and has its value. The words for people may change.
    /// </summary>
    private static void AssertHas(JsonElement expected, JsonElement found, string where)
    {
        Assert.True(expected.ValueKind == found.ValueKind, where);
        switch (expected.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (JsonProperty field in expected.EnumerateObject().Where(field => field.Name != "text"))
                {
                    Assert.True(found.TryGetProperty(field.Name, out JsonElement value), $"{field.Name} of {where}");
                    AssertHas(field.Value, value, where);
                }

                break;
            case JsonValueKind.Array:
                Assert.Equal(expected.GetArrayLength(), found.GetArrayLength());
                foreach ((JsonElement one, JsonElement other) in
                    expected.EnumerateArray().Zip(found.EnumerateArray()))
                {
                    AssertHas(one, other, where);
                }

                break;
            default:
                Assert.Equal(expected.GetRawText(), found.GetRawText());
                break;
        }
    }

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;

    private static async Task<CliRun> DoneAsync(params string[] arguments)
    {
        CliRun run = await CliRun.OfAsync(arguments);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return run;
    }
}
