// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Host.Tests.Cli;
using KvmActors.Host.Tests.Solo;
using KvmActors.Samples.Guests;

namespace KvmActors.Host.Tests.Node;

/// <summary>vm delete, through a node that does not run the VM.</summary>
public sealed class VmDeleteVerbTests : IAsyncLifetime, IDisposable
{
    private readonly GuestFiles _files = new();
    private LiveNode _owner = null!;
    private LiveNode _asked = null!;

    private string Store => _files.Path("store.db");

    public async Task InitializeAsync()
    {
        _owner = await LiveNode.StartAsync(Store, "node-1");
        _asked = await LiveNode.StartAsync(Store, "node-2");
    }

    public async Task DisposeAsync()
    {
        await _asked.DisposeAsync();
        await _owner.DisposeAsync();
    }

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task What_came_from_a_deleted_vm_lives_on_and_its_name_is_free()
    {
        await CreateAsync("web", _files.Story());
        string console = (await AtAsync("vm", "console", "web")).Out;
        await DoneAsync("vm", "fork", "web", "--at", "1M", "--as", "fork", "--link", _owner.Address);
        await AtAsync("vm", "save", "fork", _files.Path("fork.kvm"));

        Assert.Equal("web is deleted.\n", (await AtAsync("vm", "delete", "web")).Out);

        await DoneAsync("store", "gc", "--store", Store);
        CliRun shown = await CliRun.OfAsync("vm", "show", "web", "--at", _asked.Address);
        Assert.Contains("Expected a VM named web", shown.Error, StringComparison.Ordinal);
        await AtAsync("vm", "start", "fork");
        Assert.Equal(console, (await AtAsync("vm", "console", "fork")).Out);
        await DoneAsync("journal", "verify", "--store", Store);
        await DoneAsync("journal", "replay", "fork", "--verify", "--store", Store);
        await CreateAsync("web", _files.Story());
        Assert.Equal(console, (await AtAsync("vm", "console", "web")).Out);
        await DoneAsync("journal", "replay", "web", "--verify", "--store", Store);
        await AtAsync("vm", "restore", _files.Path("fork.kvm"), "--as", "restored");
    }

    [Fact]
    public async Task One_that_runs_is_deleted_only_with_force()
    {
        string image = _files.Path("echo.elf");
        await File.WriteAllBytesAsync(image, EchoGuest.Build(secondRests: true));
        await CreateAsync("web", image, EchoGuest.VcpuCount);

        CliRun refused = await CliRun.OfAsync("vm", "delete", "web", "--at", _asked.Address);
        await AtAsync("vm", "pause", "web");
        CliRun paused = await CliRun.OfAsync("vm", "delete", "web", "--at", _asked.Address);
        CliRun none = await CliRun.OfAsync("vm", "delete", "nobody", "--at", _asked.Address);
        await AtAsync("vm", "resume", "web");
        JsonElement forced = JsonDocument.Parse((await AtAsync("vm", "delete", "web", "--force", "--json")).Out)
            .RootElement;

        Assert.Contains("Stop it first with: vm stop, or say --force.", refused.Error, StringComparison.Ordinal);
        Assert.Equal((CliFault.Refused, ""), (refused.ExitCode, refused.Out));
        Assert.Equal(CliFault.Refused, paused.ExitCode);
        Assert.Contains("Expected a VM named nobody", none.Error, StringComparison.Ordinal);
        Assert.Equal("web", forced.GetProperty("deleted").GetString());
        Assert.Equal("[]\n", (await AtAsync("vm", "list", "--json")).Out);
        await DoneAsync("store", "gc", "--store", Store);
        JsonElement held = JsonDocument.Parse((await DoneAsync("store", "stat", "--store", Store, "--json")).Out)
            .RootElement;
        Assert.Equal(0, held.GetProperty("pages").GetProperty("count").GetInt64());
    }

    private Task<CliRun> CreateAsync(string name, string image, int vcpus = 1) => DoneAsync(
        "vm", "create", name, "--image", image, "--vcpus", $"{vcpus}", "--memory", "64M", "--start",
        "--at", _owner.Address);

    private Task<CliRun> AtAsync(params string[] arguments) => DoneAsync([.. arguments, "--at", _asked.Address]);

    private static async Task<CliRun> DoneAsync(params string[] arguments)
    {
        CliRun run = await CliRun.OfAsync(arguments);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return run;
    }
}
