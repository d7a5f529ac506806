// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Host.Tests.Cli;
using Microsoft.Data.Sqlite;

namespace KvmActors.Host.Tests.Journal;

public sealed class JournalVerbTests : IAsyncLifetime, IDisposable
{
    private SampleStore _store = null!;

    public async Task InitializeAsync() => _store = await SampleStore.CreateAsync();

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _store.Dispose();

    [Fact]
    public async Task List_shows_each_stream_with_its_owner_and_head()
    {
        CliRun run = await CliRun.OfAsync("journal", "list", "--store", _store.Path);

        Assert.Equal(0, run.ExitCode);
        string[] lines = run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        Assert.Equal(["web", "node-1#1", "1", "owned", "6", "1000", "0"], Words(lines[1]));
        Assert.Equal(["web/0", "node-1#1", "1", "owned", "1", "0", "0"], Words(lines[2]));
    }

    [Fact]
    public async Task List_as_json_is_an_array()
    {
        CliRun run = await CliRun.OfAsync("journal", "list", "--store", _store.Path, "--json");

        using var json = JsonDocument.Parse(run.Out);
        Assert.Equal(2, json.RootElement.GetArrayLength());
        Assert.Equal(6, json.RootElement[0].GetProperty("records").GetInt32());
    }

    [Fact]
    public async Task Show_tells_each_event_in_words()
    {
        CliRun run = await CliRun.OfAsync("journal", "show", "web", "--store", _store.Path);

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("Created from story.elf", run.Out, StringComparison.Ordinal);
        Assert.Contains(
            "Runs on node-1#1 under epoch 1, where VMCALL is native (intel).", run.Out, StringComparison.Ordinal);
        Assert.Contains("Went from created to running.", run.Out, StringComparison.Ordinal);
        Assert.Contains("VMMCALL at", run.Out, StringComparison.Ordinal);
        Assert.Contains("0f01d9 -> 0f01c1", run.Out, StringComparison.Ordinal);
        Assert.Contains("Console input of 3 bytes: \"ls\\x0a\".", run.Out, StringComparison.Ordinal);
        Assert.Contains("1000 instructions and 12 console bytes so far; state 5555", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Show_keeps_to_its_range_and_prints_one_object_a_line()
    {
        CliRun run = await CliRun.OfAsync(
            "journal", "show", "web", "--store", _store.Path, "--from", "2", "--to", "3", "--json");

        string[] lines = run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal([2, 3], lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("seq").GetInt32()));
    }

    [Fact]
    public async Task Verify_of_a_sound_store_ends_with_0()
    {
        CliRun run = await CliRun.OfAsync("journal", "verify", "--store", _store.Path);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal("Sound: 7 records of 2 streams, 0 snapshots with 0 pages.\n", run.Out);
    }

    [Theory]
    [InlineData("web", 1)]
    [InlineData("web", 4)]
    [InlineData("web", 6)]
    [InlineData("web/0", 1)]
    public async Task Verify_names_stream_and_sequence_of_any_flipped_byte(string stream, int seq)
    {
        byte[] payload = ReadPayload(stream, seq);
        for (int i = 0; i < payload.Length; i++)
        {
            byte[] damaged = [.. payload];
            damaged[i] ^= 0x10;
            WritePayload(stream, seq, damaged);

            CliRun run = await CliRun.OfAsync("journal", "verify", "--store", _store.Path, "--json");

            Assert.Equal(1, run.ExitCode);
            Assert.Contains(
                $"kvmactors: Stream {stream}, sequence {seq}, hash: expected", run.Error, StringComparison.Ordinal);
            using var json = JsonDocument.Parse(run.Out);
            JsonElement damage = Assert.Single(json.RootElement.GetProperty("damage").EnumerateArray());
            Assert.Equal(seq, damage.GetProperty("seq").GetInt32());
            Assert.Equal(stream, damage.GetProperty("stream").GetString());
        }
    }

    [Theory]
    [InlineData("UPDATE journal SET vm_time = 8 WHERE stream_id = 'web' AND seq = 4", "sequence 4")]
    [InlineData("DELETE FROM journal WHERE stream_id = 'web' AND seq = 3", "sequence 3")]
    [InlineData("DELETE FROM journal WHERE stream_id = 'web' AND seq = 6", "sequence 5")]
    [InlineData("UPDATE journal SET kind = 99 WHERE stream_id = 'web' AND seq = 2", "sequence 2")]
    public async Task Verify_names_the_place_of_any_other_damage(string sql, string place)
    {
        Execute(sql);

        CliRun run = await CliRun.OfAsync("journal", "verify", "--store", _store.Path);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"web, {place}", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("list")]
    [InlineData("verify")]
    public async Task A_missing_store_is_one_message(string verb)
    {
        CliRun run = await CliRun.OfAsync("journal", verb, "--store", "/nowhere/store.db");

        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("kvmactors: Expected", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task A_file_that_is_no_store_is_one_message()
    {
        CliRun run = await CliRun.OfAsync("journal", "list", "--store", Repository.File("LICENSE"));

        Assert.Equal(1, run.ExitCode);
        Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task An_unknown_stream_is_refused_with_those_that_there_are()
    {
        CliRun run = await CliRun.OfAsync("journal", "show", "web/1", "--store", _store.Path);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(
            "kvmactors: Expected a stream of this store, found \"web/1\". Choose one of: web, web/0.\n", run.Error);
    }

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private byte[] ReadPayload(string stream, int seq)
    {
        using SqliteConnection connection = Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT payload FROM journal WHERE stream_id = $stream AND seq = $seq";
        command.Parameters.AddWithValue("$stream", stream);
        command.Parameters.AddWithValue("$seq", seq);
        return (byte[])command.ExecuteScalar()!;
    }

    private void WritePayload(string stream, int seq, byte[] payload) => Execute(
        "UPDATE journal SET payload = $payload WHERE stream_id = $stream AND seq = $seq",
        ("$payload", payload),
        ("$stream", stream),
        ("$seq", seq));

    private void Execute(string sql, params (string Name, object Value)[] parameters)
    {
        using SqliteConnection connection = Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        foreach ((string name, object value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        Assert.Equal(1, command.ExecuteNonQuery());
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection($"Data Source={_store.Path};Pooling=False");
        connection.Open();
        return connection;
    }
}
