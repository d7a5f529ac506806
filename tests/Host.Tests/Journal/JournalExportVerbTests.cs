// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Host.Journal;
using KvmActors.Host.Tests.Cli;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Sqlite;

namespace KvmActors.Host.Tests.Journal;

/// <summary>The export, read back: the records it came from, and the chain of their hashes.</summary>
public sealed class JournalExportVerbTests(RecordedStore store) : IClassFixture<RecordedStore>
{
    [Fact]
    public async Task What_is_exported_are_the_records_and_their_hashes_can_be_computed_from_it()
    {
        CliRun run = await CliRun.OfAsync("journal", "export", "web", "--store", store.Path);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        await using SqliteStore open = await SqliteStore.OpenReadOnlyAsync(store.Path, CancellationToken.None);
        Dictionary<string, Digest> heads = [];
        foreach (JournalRecord record in Lines(run).Select(Record))
        {
            string stream = record.Stream.ToString();
            Digest hash = HashChain.Next(heads.GetValueOrDefault(stream), record);
            Assert.Equal(record.Hash, hash);
            heads[stream] = hash;
        }

        foreach (StreamRow row in await open.ListAsync(CancellationToken.None))
        {
            Assert.Equal(row.HeadHash, heads[row.Stream.ToString()]);
        }
    }

    [Fact]
    public async Task Words_and_fields_are_those_of_the_event_and_the_fields_are_documented()
    {
        CliRun run = await CliRun.OfAsync("journal", "export", "--store", store.Path);
        string page = await File.ReadAllTextAsync(Repository.File("docs/journal-format.md"));
        string export = page[page.IndexOf("## Export", StringComparison.Ordinal)..];

        foreach (JsonElement line in Lines(run))
        {
            JournalEvent journalEvent = EventCodec.Decode(Record(line));
            Assert.Equal(EventText.Describe(journalEvent), line.GetProperty("text").GetString());
            foreach (JsonProperty field in line.EnumerateObject())
            {
                Assert.Contains($"`{field.Name}`", export, StringComparison.Ordinal);
            }

            string kind = line.GetProperty("kind").GetString()!;
            string row = export.Split('\n').Single(
                text => text.StartsWith($"| {kind} |", StringComparison.Ordinal));
            foreach (JsonProperty field in line.GetProperty("data").EnumerateObject())
            {
                Assert.Contains($"`{field.Name}`", row, StringComparison.Ordinal);
            }

            if (journalEvent is JournalEvent.Progress progress)
            {
                JsonElement data = line.GetProperty("data");
                Assert.Equal(progress.InstructionsRetired, data.GetProperty("instructions").GetUInt64());
                Assert.Equal(progress.State.ToString(), data.GetProperty("state").GetString());
            }
        }
    }

    private static JsonElement[] Lines(CliRun run) =>
    [
        .. run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement),
    ];

    private static JournalRecord Record(JsonElement line)
    {
        string[] stream = line.GetProperty("stream").GetString()!.Split('/');
        var vm = VmId.Parse(stream[0]);
        string? client = line.GetProperty("client").GetString();
        return new JournalRecord(
            stream.Length == 1 ? vm.Stream : vm.Vcpu(int.Parse(stream[1])),
            line.GetProperty("seq").GetUInt64(),
            new Epoch(line.GetProperty("epoch").GetUInt64()),
            Enum.Parse<EventKind>(line.GetProperty("kind").GetString()!),
            line.GetProperty("version").GetInt32(),
            line.GetProperty("vmTime").GetUInt64(),
            client is null ? null : new CommandId(client, line.GetProperty("command").GetString()!),
            Convert.FromHexString(line.GetProperty("payload").GetString()!),
            Digest.FromBytes(Convert.FromHexString(line.GetProperty("hash").GetString()!)));
    }
}
