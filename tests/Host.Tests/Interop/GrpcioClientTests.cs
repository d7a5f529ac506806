// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Text.Json;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Tests.Node;
using KvmActors.Host.Tests.Solo;
using KvmActors.Samples.Guests;

namespace KvmActors.Host.Tests.Interop;

/// <summary>The control API is gRPC: a client that shares no code with it can use it.</summary>
public sealed class GrpcioClientTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    private readonly GuestFiles _files = new();

    public void Dispose() => _files.Dispose();

    [GrpcioFact]
    public async Task A_grpcio_client_creates_a_vm_runs_it_and_reads_its_console()
    {
        await using LiveNode node = await LiveNode.StartAsync(_files.Path("store.db"), "node-1");

        // It is still running when the reply to its start says so: it waits for a key, which the client sends.
        using JsonDocument seen = await RunAsync(
            node.Address, _files.Story(StoryGuestSize.Short with { GateRound = 6 }));

        JsonElement root = seen.RootElement;
        Assert.Equal("node-1#1", root.GetProperty("node").GetString());
        Assert.Equal("created", root.GetProperty("created").GetString());
        Assert.Equal("py", root.GetProperty("again").GetString());
        Assert.Equal("running", root.GetProperty("started").GetString());
        Assert.Contains("DONE sha256=", root.GetProperty("console").GetString(), StringComparison.Ordinal);
        Assert.True(root.GetProperty("isLast").GetBoolean());
        Assert.Equal("ended", root.GetProperty("watched").EnumerateArray().Last().GetString());
        Assert.Equal("ended", root.GetProperty("state").GetString());
        Assert.Equal(1, root.GetProperty("exitCode").GetInt32());
        Assert.True(root.GetProperty("registers").GetProperty("rip").GetUInt64() > 0);
        Assert.True(root.GetProperty("leavesRead").GetInt32() > 0);
        Assert.Equal(["node-1#1"], Texts(root, "nodes"));
        Assert.Equal(["idle", "py"], Texts(root, "vms"));
        Assert.Equal("ALREADY_EXISTS", Texts(root, "twice")[0]);
        Assert.Equal("NOT_FOUND", Texts(root, "missing")[0]);
        Assert.Equal("INVALID_ARGUMENT", Texts(root, "badName")[0]);
        Assert.Contains("found \"Größe %\".", Texts(root, "badName")[1], StringComparison.Ordinal);
        Assert.Equal("INVALID_ARGUMENT", Texts(root, "noCommand")[0]);
        Assert.Equal("UNIMPLEMENTED", Texts(root, "unknown")[0]);
        Assert.Equal("DEADLINE_EXCEEDED", root.GetProperty("late").GetString());
    }

    private static string[] Texts(JsonElement root, string name) =>
        [.. root.GetProperty(name).EnumerateArray().Select(element => element.GetString()!)];

    private async Task<JsonDocument> RunAsync(string address, string image)
    {
        string descriptor = _files.Path("control.bin");
        await File.WriteAllBytesAsync(descriptor, ControlReflection.Descriptor.SerializedData.ToByteArray());
        string script = Repository.File("tests/Host.Tests/Interop/control_client.py");
        using Process python = Process.Start(new ProcessStartInfo(
            GrpcioFactAttribute.Python!, [script, address, descriptor, image])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        try
        {
            using var late = new CancellationTokenSource(s_patience);
            Task<string> errors = python.StandardError.ReadToEndAsync(late.Token);
            string output = await python.StandardOutput.ReadToEndAsync(late.Token);
            await python.WaitForExitAsync(late.Token);
            Assert.True(python.ExitCode == 0, await errors);
            return JsonDocument.Parse(output);
        }
        finally
        {
            if (!python.HasExited)
            {
                python.Kill();
            }
        }
    }
}
