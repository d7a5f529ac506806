// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Host.Tests.Cli;
using KvmActors.Host.Tests.Node;
using KvmActors.Host.Tests.Solo;
using KvmActors.Samples.Guests;

namespace KvmActors.Host.Tests.Debug;

/// <summary>The store of a node on which <see cref="DuetGuest"/> lived from its start to its end, as the VM
/// "duet".</summary>
public sealed class RecordedDuet : IAsyncLifetime, IDisposable
{
    /// <summary>Enough for each vCPU to have the turn a dozen times.</summary>
    private const int Rounds = 20_000;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly GuestFiles _files = new();

    public string Store => _files.Path("store.db");

    /// <summary>The ELF, with its symbols.</summary>
    public string Image => _files.Path("duet.elf");

    public async Task InitializeAsync()
    {
        await File.WriteAllBytesAsync(Image, DuetGuest.Build(Rounds));
        await using LiveNode node = await LiveNode.StartAsync(Store, "node-1", "kvmactors.node.host-vendor = intel");
        await OnAsync(node, "vm", "create", "duet", "--image", Image, "--vcpus", "2", "--memory", "4M", "--start");
        long begun = TimeProvider.System.GetTimestamp();
        while (await StateAsync(node) != "ended")
        {
            Assert.True(TimeProvider.System.GetElapsedTime(begun) < s_patience, "The duet does not come to its end.");
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _files.Dispose();

    private static async Task<string?> StateAsync(LiveNode node)
    {
        using var json = JsonDocument.Parse(await OnAsync(node, "vm", "show", "duet", "--json"));
        return json.RootElement.GetProperty("state").GetString();
    }

    private static async Task<string> OnAsync(LiveNode node, params string[] arguments)
    {
        CliRun run = await CliRun.OfAsync([.. arguments, "--at", node.Address]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return run.Out;
    }
}
