// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Host.Tests.Cli;
using KvmActors.Host.Tests.Node;
using KvmActors.Host.Tests.Solo;
using KvmActors.Samples.Guests;
using Xunit.Abstractions;

namespace KvmActors.Host.Tests.Debug;

/// <summary>The real gdb on VMs that live on a node.</summary>
public sealed class FollowedVmTests(ITestOutputHelper output) : IAsyncLifetime, IDisposable
{
    private readonly GuestFiles _files = new();
    private LiveNode _node = null!;

    private string Store => _files.Path("store.db");

    public async Task InitializeAsync() =>
        _node = await LiveNode.StartAsync(Store, "node-1", "kvmactors.node.host-vendor = intel");

    public async Task DisposeAsync() => await _node.DisposeAsync();

    public void Dispose() => _files.Dispose();

    private async Task CreateAsync(byte[] image, params string[] more)
    {
        string path = _files.Path("guest.elf");
        await File.WriteAllBytesAsync(path, image);
        CliRun run = await CliRun.OfAsync(
            ["vm", "create", "web", "--image", path, "--vcpus", "2", "--memory", "8M", "--at", _node.Address, .. more]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
    }

    private async Task<JsonElement> ShowAsync()
    {
        CliRun run = await CliRun.OfAsync("vm", "show", "web", "--json", "--at", _node.Address);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return JsonDocument.Parse(run.Out).RootElement;
    }

    private async Task<GdbRun> DebugAsync(string architecture, params string[] commands)
    {
        await using DebugVerbRun server = await DebugVerbRun.StartAsync(
            "web", "--store", Store, "--node", _node.Address, "--arch", architecture);
        GdbRun run = await server.GdbAsync(_files.Path("guest.elf"), [.. commands, "detach"]);
        output.WriteLine(run.Output);
        output.WriteLine(server.Error);
        Assert.Equal(0, await server.ExitCode.WaitAsync(GdbRun.Patience));
        return run;
    }

    private static void AssertHas(string expected, string found) =>
        Assert.Contains(expected, found, StringComparison.Ordinal);

    [GdbFact]
    public async Task A_vm_is_debugged_from_before_its_first_instruction_and_left_as_it_was_found()
    {
        await CreateAsync(DuetGuest.Build(1_000_000));

        GdbRun gdb = await DebugAsync(
            "x86-64",
            "info registers rip",
            "break corrupt",
            "continue",
            "print *(long*)&shared > 500000",
            "delete",
            "reverse-stepi",
            "watch *(char*)&victim",
            "continue");

        AssertHas("0x10000c <start>", gdb.After("info registers rip"));
        AssertHas("Thread 2 hit Breakpoint 1, ", gdb.After("continue"));
        AssertHas("$1 = 1", gdb.After("print *(long*)&shared > 500000"));
        AssertHas("in work ()", gdb.After("reverse-stepi"));
        AssertHas("New value = 42", gdb.After("continue", occurrence: 1));
        string? state = (await ShowAsync()).GetProperty("state").GetString();
        Assert.True(state is "paused" or "ended", state);
    }

    [GdbFact]
    public async Task A_vm_that_runs_stands_still_while_gdb_looks_and_runs_on_behind_it()
    {
        await CreateAsync(EchoGuest.Build(secondRests: false), "--start");
        string counted = $"*(unsigned*){EchoGuest.Counted}";

        GdbRun gdb = await DebugAsync(
            "i386",
            "set $before = " + counted,
            "stepi",
            $"watch *(unsigned*){EchoGuest.Ticks}",
            "continue",
            "continue",
            $"print {counted} > $before",
            "reverse-continue",
            "reverse-continue",
            $"print {counted} >= $before");

        AssertHas("hit Hardware watchpoint 1", gdb.After("continue"));
        AssertHas("hit Hardware watchpoint 1", gdb.After("continue", occurrence: 1));
        AssertHas("$1 = 1", gdb.After($"print {counted} > $before"));
        AssertHas("hit Hardware watchpoint 1", gdb.After("reverse-continue"));
        AssertHas("hit Hardware watchpoint 1", gdb.After("reverse-continue", occurrence: 1));
        AssertHas("$2 = 1", gdb.After($"print {counted} >= $before"));
        Assert.Equal("running", (await ShowAsync()).GetProperty("state").GetString());
    }
}
