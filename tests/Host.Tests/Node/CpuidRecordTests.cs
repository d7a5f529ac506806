// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Host.Tests.Cli;
using KvmActors.Host.Tests.Solo;

namespace KvmActors.Host.Tests.Node;

/// <summary>What a guest has read: as <c>vcpu cpuid observed</c> lists it, as <c>cpuid check --vcpu</c> judges by it,
/// and after the VM went to another node.</summary>
public sealed class CpuidRecordTests : IDisposable
{
    private readonly GuestFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Observed_lists_leaf_subleaf_first_vm_time_and_reads()
    {
        await using LiveNode node = await StartAsync("node-1");
        await CreateAsync(node);
        CliRun before = await OnAsync(node, "observed", "web/0");
        await OrderAsync(node, "start");

        Assert.Equal(CpuidReader.Observed, await CpuidReader.ObservedAsync(node, "web/0"));

        Assert.Single(before.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        CliRun text = await OnAsync(node, "observed", "web/0");
        Assert.Equal(
            ["LEAF SUBLEAF FIRST VM TIME READS", "0x7 0x0 2 2", "0xb 0x1 8 1"],
            text.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => string.Join(' ', line.Split("  ", StringSplitOptions.RemoveEmptyEntries)
                    .Select(cell => cell.Trim()).Take(4))));
    }

    [Fact]
    public async Task A_check_of_a_live_vcpu_tells_what_its_guest_has_read_from_what_it_never_observed()
    {
        await using LiveNode node = await StartAsync("node-1");
        await CreateAsync(node, "--start");
        await CpuidReader.ObservedAsync(node, "web/0");
        CpuidTable table = await TableAsync(node);
        string noSmap = Without("smap", table);
        string noMovbe = Without("movbe", table);

        CliRun read = await CheckAsync(node, noSmap, "--allow-unobserved");
        CliRun readJson = await CheckAsync(node, noSmap, "--json");
        CliRun never = await CheckAsync(node, noMovbe);
        CliRun accepted = await CheckAsync(node, noMovbe, "--allow-unobserved");
        CliRun acceptedJson = await CheckAsync(node, noMovbe, "--allow-unobserved", "--json");

        Assert.Equal((CliFault.Refused, ""), (read.ExitCode, read.Error));
        Assert.StartsWith(
            "refused: 1 thing missing; web/0 has read 1 thing of it.\n", read.Out, StringComparison.Ordinal);
        Assert.Contains(
            "missing and the guest has read it: 2 times, first at VM time 2", read.Out, StringComparison.Ordinal);
        Assert.Equal("refused strict web/0 smap true 2 2", Summary(readJson));
        Assert.Equal((CliFault.Refused, ""), (never.ExitCode, never.Error));
        Assert.StartsWith(
            "refused: 1 thing missing; web/0 has read nothing of it.\n", never.Out, StringComparison.Ordinal);
        Assert.Contains("missing, never observed", never.Out, StringComparison.Ordinal);
        Assert.Equal((0, ""), (accepted.ExitCode, accepted.Error));
        Assert.Contains(
            $"kvmactors vcpu cpuid get web/0 | kvmactors cpuid baseline - {noMovbe}\n",
            accepted.Out,
            StringComparison.Ordinal);
        Assert.Equal("okWithLoss allowUnobserved web/0 movbe false null null", Summary(acceptedJson));
    }

    [Fact]
    public async Task A_check_of_a_live_vcpu_takes_the_table_that_get_gives()
    {
        await using LiveNode node = await StartAsync("node-1");
        await CreateAsync(node);
        string own = _files.Text("own.json", (await OnAsync(node, "get", "web/0", "--json")).Out);

        CliRun same = await CheckAsync(node, own);
        CliRun elsewhere = await CliRun.OfAsync("cpuid", "check", own, "--at", node.Address, "--on", own);

        Assert.Equal((0, $"ok: {own} has all that web/0 promises.\n", ""), (same.ExitCode, same.Out, same.Error));
        Assert.Equal(CliFault.Usage, elsewhere.ExitCode);
        Assert.Contains("Expected --vcpu beside --at, found none.", elsewhere.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_record_goes_along_in_a_migration()
    {
        await using LiveNode first = await StartAsync("node-1");
        await using LiveNode second = await StartAsync("node-2");
        await CreateAsync(first, "--start");
        await CpuidReader.ObservedAsync(first, "web/0");

        CliRun moved = await CliRun.OfAsync(
            "vcpu", "migrate", "web/0", "--to", "node-2", "--at", first.Address, "--json");

        Assert.Equal((0, ""), (moved.ExitCode, moved.Error));
        Assert.Equal(CpuidReader.Observed, await CpuidReader.ObservedAsync(second, "web/0"));
        Assert.Equal("node-2#1", await OwnerAsync(second));
        string noSmap = Without("smap", await TableAsync(second));
        Assert.Equal(CliFault.Refused, (await CheckAsync(second, noSmap, "--allow-unobserved")).ExitCode);
    }

    [Fact]
    public async Task The_record_is_rebuilt_after_its_nodes_process_was_killed()
    {
        string file = _files.Text(
            "node-1.conf",
            $$"""
            kvmactors.node { name = node-1, link = "127.0.0.1:0" }
            kvmactors.store { path = "{{_files.Path("store.db")}}", synchronous = normal }
            {{CpuidReader.Settings}}
            """);
        using NodeProcess killed = new("node", "run", "--config", file);
        Assert.StartsWith("node-1#1 ", await killed.ReadyAsync(), StringComparison.Ordinal);
        await using LiveNode heir = await StartAsync("node-2");
        await CreateAsync(heir, "--on", "node-1", "--start");
        await CpuidReader.ObservedAsync(heir, "web/0");
        Assert.Equal("node-1#1", await OwnerAsync(heir));

        killed.Kill();
        await killed.EndAsync();

        Assert.Equal(CpuidReader.Observed, await CpuidReader.ObservedAsync(heir, "web/0"));
        Assert.Equal("node-2#1", await OwnerAsync(heir));
    }

    private Task<LiveNode> StartAsync(string name) =>
        LiveNode.StartAsync(_files.Path("store.db"), name, CpuidReader.Settings);

    private async Task CreateAsync(LiveNode node, params string[] more)
    {
        CliRun created = await CliRun.OfAsync(
            ["vm", "create", "web", "--image", CpuidReader.Image(_files), "--at", node.Address, .. more]);
        Assert.Equal((0, ""), (created.ExitCode, created.Error));
    }

    private static async Task OrderAsync(LiveNode node, string verb) =>
        Assert.Equal(0, (await CliRun.OfAsync("vm", verb, "web", "--at", node.Address)).ExitCode);

    private static async Task<string?> OwnerAsync(LiveNode node)
    {
        CliRun shown = await CliRun.OfAsync("vm", "show", "web", "--json", "--at", node.Address);
        return JsonDocument.Parse(shown.Out).RootElement.GetProperty("owner").GetString();
    }

    private static Task<CliRun> OnAsync(LiveNode node, params string[] words) =>
        CliRun.OfAsync(["vcpu", "cpuid", .. words, "--at", node.Address]);

    private static Task<CliRun> CheckAsync(LiveNode node, string host, params string[] more) =>
        CliRun.OfAsync(["cpuid", "check", "--vcpu", "web/0", "--at", node.Address, "--on", host, .. more]);

    private static async Task<CpuidTable> TableAsync(LiveNode node) =>
        CpuidJson.Read((await OnAsync(node, "get", "web/0", "--json")).Out);

    /// <summary>A file of a host's table that has all of another but one feature.</summary>
    private string Without(string name, CpuidTable table)
    {
        CpuidFeature feature = CpuidFeatures.Named(name);
        Assert.True(table.Has(feature));
        var host = CpuidTable.Of(table.Entries.Select(entry => WithoutBit(entry, feature)));
        return _files.Text($"no-{name}.json", CpuidJson.Write(host));
    }

    private static CpuidEntry WithoutBit(CpuidEntry entry, CpuidFeature feature)
    {
        uint mask = ~(1u << feature.Bit);
        return (entry.Leaf == feature.Leaf, feature.Register) switch
        {
            (true, CpuidRegister.Ebx) => entry with { Ebx = entry.Ebx & mask },
            (true, CpuidRegister.Ecx) => entry with { Ecx = entry.Ecx & mask },
            _ => entry,
        };
    }

    /// <summary>Verdict, policy, record and the only reason.</summary>
    private static string Summary(CliRun run)
    {
        JsonElement json = JsonDocument.Parse(run.Out).RootElement;
        JsonElement reason = Assert.Single(json.GetProperty("reasons").EnumerateArray());
        return $"{json.GetProperty("verdict")} {json.GetProperty("policy")} {json.GetProperty("record")} "
            + $"{reason.GetProperty("name")} {reason.GetProperty("observed").GetRawText()} "
            + $"{reason.GetProperty("firstVmTime").GetRawText()} {reason.GetProperty("reads").GetRawText()}";
    }
}
