// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Tests.Cli;
using KvmActors.Host.Tests.Node;
using KvmActors.Host.Tests.Solo;
using KvmActors.Samples.Guests;

namespace KvmActors.Host.Tests.Journal;

/// <summary>A store file in which a whole life of the story guest is recorded, under the name "web".</summary>
public sealed class RecordedStore : IAsyncLifetime, IDisposable
{
    private readonly GuestFiles _files = new();

    /// <summary>The store that the node had.</summary>
    public string Path => _files.Path("store.db");

    internal string FileAt(string name) => _files.Path(name);

    public async Task InitializeAsync()
    {
        string dump = Repository.File("samples/cpuid/intel-xeon-platinum-9242.txt");
        string image = _files.Story(StoryGuestSize.Short);
        await using LiveNode node = await LiveNode.StartAsync(
            Path, "node-1", $"kvmactors.node.host-vendor = amd\nkvmactors.node.cpuid-source = \"file {dump}\"");
        CliRun created = await CliRun.OfAsync(
            "vm", "create", "web", "--image", image, "--memory", "64M", "--cpuid", dump, "--start",
            "--at", node.Address);
        Assert.Equal((0, ""), (created.ExitCode, created.Error));
        CliRun console = await CliRun.OfAsync("vm", "console", "web", "--at", node.Address);
        Assert.Equal((0, ""), (console.ExitCode, console.Error));
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _files.Dispose();
}
