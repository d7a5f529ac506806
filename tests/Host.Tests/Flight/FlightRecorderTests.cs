// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Host.Flight;
using KvmActors.Host.Tests.Cli;
using KvmActors.Host.Tests.Node;

namespace KvmActors.Host.Tests.Flight;

public sealed class FlightRecorderTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kvmactors-flight-");

    private string Folder => Path.Combine(_folder.FullName, "flight");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void The_last_events_can_be_read_while_more_are_recorded()
    {
        using var recorder = FlightRecorder.Open(Folder, "node-1", events: 4);
        recorder.NameAs("node-1#3");
        for (int number = 1; number <= 10; number++)
        {
            recorder.Record($"event {number}");
        }

        IReadOnlyList<FlightEvent> read = FlightFile.ReadAll([Folder]);

        Assert.Equal(["event 7", "event 8", "event 9", "event 10"], read.Select(each => each.What));
        Assert.Equal([7, 8, 9, 10], read.Select(each => each.Number));
        Assert.All(read, each => Assert.Equal("node-1#3", each.Node));
        Assert.Equal(read.Select(each => each.MonotonicNs).Order(), read.Select(each => each.MonotonicNs));
    }

    [Fact]
    public void A_long_event_is_cut_between_characters()
    {
        using var recorder = FlightRecorder.Open(Folder, "node-1", events: 4);

        recorder.Record("x" + new string('é', 500));

        string what = Assert.Single(FlightFile.ReadAll([Folder])).What;
        Assert.StartsWith("xé", what, StringComparison.Ordinal);
        Assert.EndsWith("é", what, StringComparison.Ordinal);
    }

    [Fact]
    public void An_event_that_was_half_written_is_none()
    {
        string path;
        using (var recorder = FlightRecorder.Open(Folder, "node-1", events: 4))
        {
            recorder.Record("first");
            recorder.Record("second");
            path = Assert.Single(Directory.GetFiles(Folder));
        }

        byte[] bytes = File.ReadAllBytes(path);
        bytes.AsSpan(2 * FlightFile.SlotBytes, sizeof(long)).Clear();
        File.WriteAllBytes(path, bytes);

        Assert.Equal("first", Assert.Single(FlightFile.ReadAll([path])).What);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(12)]
    [InlineData(16)]
    [InlineData(256 + 16)]
    [InlineData(256 + 24)]
    public void A_damaged_file_is_refused_or_read_as_far_as_it_goes(int at)
    {
        using (var recorder = FlightRecorder.Open(Folder, "node-1", events: 4))
        {
            recorder.Record("first");
        }

        string path = Assert.Single(Directory.GetFiles(Folder));
        byte[] bytes = File.ReadAllBytes(path);
        bytes.AsSpan(at, 4).Fill(0xFF);
        File.WriteAllBytes(path, bytes);

        if (at == 0)
        {
            CliFault fault = Assert.Throws<CliFault>(() => FlightFile.ReadAll([path]));
            Assert.StartsWith($"Expected a flight recorder's file at {path}", fault.Message, StringComparison.Ordinal);
        }
        else
        {
            Assert.Single(FlightFile.ReadAll([path]));
        }
    }

    [Fact]
    public void The_files_of_the_last_lives_stay()
    {
        Directory.CreateDirectory(Folder);
        for (int process = 1; process <= 20; process++)
        {
            string old = Path.Combine(Folder, $"node-1.{process}.flight");
            File.WriteAllBytes(old, []);
            File.SetLastWriteTimeUtc(old, DateTime.UnixEpoch.AddHours(process));
        }

        File.WriteAllBytes(Path.Combine(Folder, "node-10.1.flight"), []);
        FlightRecorder.Open(Folder, "node-1", events: 4).Dispose();

        Assert.Equal(8, Directory.GetFiles(Folder, "node-1.*.flight").Length);
        Assert.True(File.Exists(Path.Combine(Folder, "node-1.20.flight")));
        Assert.True(File.Exists(Path.Combine(Folder, "node-10.1.flight")));
    }

    [Fact]
    public async Task A_killed_node_has_left_its_last_events_and_the_verb_shows_them_among_those_of_others()
    {
        string config = Path.Combine(_folder.FullName, "nodes.conf");
        await File.WriteAllTextAsync(config, $$"""
            kvmactors {
              store.path = "{{Path.Combine(_folder.FullName, "store.db")}}"
              nodes {
                node-1.node { link = "127.0.0.1:0", rehearsal = off }
                node-2.node { link = "127.0.0.1:0", rehearsal = off }
              }
            }
            """);
        foreach (string name in new[] { "node-1", "node-2" })
        {
            using NodeProcess node = new("node", "run", "--config", config, "--node", name, "--until-input-ends");
            Assert.NotNull(await node.ReadyAsync());
            node.Kill();
            await node.EndAsync();
        }

        CliRun text = await CliRun.OfAsync("node", "flight-record", Folder);
        CliRun json = await CliRun.OfAsync("node", "flight-record", Folder, "--json");

        Assert.Equal((0, ""), (text.ExitCode, text.Error));
        Assert.Contains(" node-1#1   registered as node-1#1 at 127.0.0.1:", text.Out, StringComparison.Ordinal);
        Assert.Contains(" node-2#1   registered as node-2#1 at 127.0.0.1:", text.Out, StringComparison.Ordinal);
        string[] nodes =
        [
            .. json.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("node").GetString()!),
        ];
        Assert.Equal(["node-1#1", "node-2#1"], nodes.Distinct());
        Assert.Equal(nodes.Order(StringComparer.Ordinal), nodes);
    }

    [Fact]
    public async Task What_is_not_there_is_said_so()
    {
        CliRun run = await CliRun.OfAsync("node", "flight-record", Folder);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(
            $"kvmactors: Expected a flight recorder's file, or a folder of such, at {Folder}, found none. Look at "
            + "flight.folder of the node's configuration.\n",
            run.Error);
    }
}
