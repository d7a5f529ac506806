// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Cpu.Cpuid.Models;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Host.Tests.Cli;
using KvmActors.Host.Tests.Solo;

namespace KvmActors.Host.Tests.Node;

/// <summary><c>vcpu cpuid get</c> and <c>set</c> against a node with sockets and a store file.</summary>
public sealed class VcpuCpuidVerbTests : IAsyncLifetime, IDisposable
{
    private readonly GuestFiles _files = new();
    private LiveNode _node = null!;

    public async Task InitializeAsync() => _node = await LiveNode.StartAsync(
        _files.Path("store.db"), "node-1", CpuidReader.Settings);

    public async Task DisposeAsync() => await _node.DisposeAsync();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("raw")]
    [InlineData("json")]
    [InlineData("libvirt")]
    [InlineData("firecracker")]
    public async Task Get_writes_the_same_table_in_each_form(string format)
    {
        await CreateAsync();

        CliRun got = await OnAsync("get", "web/0", "--format", format);

        Assert.Equal((0, ""), (got.ExitCode, got.Error));
        CpuidFileReading read = CpuidFile.ReadDetails(got.Out);
        Assert.Equal(format, read.Format.ToString(), ignoreCase: true);
        Assert.Equal(CpuidVetting.CutToEngine(CpuidReader.Host), read.Table);
    }

    [Fact]
    public async Task A_table_that_was_set_is_what_get_gives_with_flags_and_padding()
    {
        await CreateAsync();
        CpuidTable vetted = CpuidVetting.CutToEngine(CpuidReader.Host);
        CpuidEntry marked = new(
            0x2, 0, (CpuidEntryFlags)6, Eax: 1, Ebx: 2, Ecx: 3, Edx: 4, Padding0: 5, Padding1: 6, Padding2: 7);
        var table = CpuidTable.Of([.. vetted.Entries.Where(entry => entry.Leaf < 0x8000_0002), marked]);
        Assert.NotEqual(vetted, table);

        CliRun set = await OnAsync("set", "web/0", _files.Text("table.json", CpuidJson.Write(table)));
        CliRun got = await OnAsync("get", "web/0", "--json");

        Assert.Equal(
            (0, $"web/0 has a CPUID table of {table.Entries.Length} entries, vendor AuthenticAMD.\n", ""),
            (set.ExitCode, set.Out, set.Error));
        Assert.Equal((0, ""), (got.ExitCode, got.Error));
        Assert.Equal(table, CpuidJson.Read(got.Out));
        foreach (string format in (IEnumerable<string>)["raw", "libvirt"])
        {
            CliRun text = await OnAsync("get", "web/0", "--format", format);
            Assert.Equal(table, CpuidFile.Read(text.Out));
        }

        CliRun noForm = await OnAsync("get", "web/0", "--format", "firecracker");
        AssertRefused(noForm, "Choose --format json, which holds every table.");
    }

    [Fact]
    public async Task Once_the_guest_has_run_another_table_is_refused_and_its_own_is_taken()
    {
        await CreateAsync("--start");
        await CpuidReader.ObservedAsync(_node, "web/0");
        string own = _files.Text("own.json", (await OnAsync("get", "web/0", "--json")).Out);
        CpuidTable table = CpuidJson.Read(await File.ReadAllTextAsync(own));
        string other = _files.Text("other.json", CpuidJson.Write(CpuidTable.Of(table.Entries.SkipLast(1))));

        AssertRefused(await OnAsync("set", "web/0", other), "EINVAL");
        Assert.Equal(table, CpuidJson.Read((await OnAsync("get", "web/0", "--json")).Out));
        Assert.Equal(0, (await OnAsync("set", "web/0", own)).ExitCode);
    }

    [Fact]
    public async Task Cut_makes_of_a_raw_table_what_a_new_vm_would_get_of_it()
    {
        await CreateAsync();

        CliRun raw = await OnAsync("set", "web/0", "model:amd-rome");
        CliRun cut = await OnAsync("set", "web/0", "model:amd-rome", "--cut");
        CliRun got = await OnAsync("get", "web/0", "--json");

        AssertRefused(raw, "Expected node-1 to offer all that the guest's CPUID promises; found ");
        Assert.Equal((0, ""), (cut.ExitCode, cut.Error));
        Assert.Equal(
            CpuidVetting.CutToEngine(CpuidModels.Find("amd-rome")!.Table), CpuidJson.Read(got.Out));
    }

    [Fact]
    public async Task Cut_follows_the_dialect_of_the_vm()
    {
        await CreateAsync("--cpuid-dialect", "kvm2007");
        CpuidTable haswell = CpuidModels.Find("intel-haswell-ep")!.Table;

        CliRun cut = await OnAsync("set", "web/0", "model:intel-haswell-ep", "--cut");
        CliRun got = await OnAsync("get", "web/0", "--json");

        Assert.True(cut.ExitCode == 0, cut.Error);
        // The vCPU owns CPUID.01H:EDX[9]: its local APIC is enabled, whatever the table has there.
        const uint ApicEnabled = 1 << 9;
        var expected = CpuidTable.Of(CpuidSource.Cut(haswell, CpuidDialect.Kvm2007).Entries.Select(entry =>
            entry.Leaf == 1 ? entry with { Edx = entry.Edx | ApicEnabled } : entry));
        Assert.Equal(expected, CpuidJson.Read(got.Out));
        Assert.NotEqual(CpuidSource.Cut(haswell, CpuidDialect.Kvm), CpuidJson.Read(got.Out));
    }

    [Theory]
    [InlineData("CPU:\n   0x00000000 0x00: eax=0x1 ebx=0x2 ecx=0x3 edx=nonsense\n", "line 2: expected ", "nonsense")]
    [InlineData("{\"format\": \"kvmactors-cpuid\",\n\"version\": 1,\n\"entries\": 7}", "expected ", "found ")]
    [InlineData("{\"format\": \"kvmactors-cpuid\",\n]", "line 2: expected ", "found ")]
    [InlineData("", "line 1: expected a CPUID table", "found nothing in it")]
    [InlineData("\n\u007fELF\0\u0001\u0002", "line 2: expected a CPUID table", "this is a binary file")]
    [InlineData("CPU:\n \u001b[2Jx\n", "line 2: expected ", "\\x1b[2Jx")]
    public async Task A_file_that_is_no_table_is_refused_with_line_and_reason(
        string text, string expected, string found)
    {
        await CreateAsync();
        string before = (await OnAsync("get", "web/0", "--json")).Out;
        string file = _files.Text("broken", text);

        CliRun run = await OnAsync("set", "web/0", file);

        AssertRefused(run, expected);
        Assert.StartsWith($"kvmactors: {file}: ", run.Error, StringComparison.Ordinal);
        Assert.Contains(found, run.Error, StringComparison.Ordinal);
        Assert.Equal(before, (await OnAsync("get", "web/0", "--json")).Out);
    }

    [Theory]
    [InlineData("none/0", "Expected a VM named none; found none.")]
    [InlineData("web/1", "Expected a vCPU of web, found \"web/1\". It has 1, from web/0.")]
    [InlineData("web/65536", "Expected a vCPU as VM/INDEX, found \"web/65536\".")]
    [InlineData("web/-1", "Expected a vCPU as VM/INDEX, found \"web/-1\".")]
    [InlineData("web", "Expected a vCPU as VM/INDEX, found \"web\".")]
    public async Task A_vcpu_that_is_not_there_is_one_message_from_every_verb(string vcpu, string expected)
    {
        await CreateAsync();
        string table = _files.Text("table.json", CpuidJson.Write(CpuidVetting.CutToEngine(CpuidReader.Host)));

        AssertRefused(await OnAsync("get", vcpu), expected);
        AssertRefused(await OnAsync("observed", vcpu), expected);
        AssertRefused(await OnAsync("set", vcpu, table, "--cut"), expected);
        string setExpected = vcpu == "web/1" ? "Expected vCPU 0, the VM's only one; found vCPU 1." : expected;
        AssertRefused(await OnAsync("set", vcpu, table), setExpected);
        AssertRefused(
            await CliRun.OfAsync("cpuid", "check", "--vcpu", vcpu, "--at", _node.Address, "--on", table), expected);
    }

    [Fact]
    public async Task A_table_of_a_node_that_does_not_read_is_refused_with_the_nodes_name()
    {
        StoreRows.SpoilCpuidOf(_files.Path("store.db"), "node-1");

        CliRun run = await CliRun.OfAsync(
            "vm", "create", "web", "--image", CpuidReader.Image(_files), "--at", _node.Address);

        AssertRefused(run, "Expected node-1 to offer a CPUID table that reads, found in the store: ");
        Assert.Contains("expected JSON, found none: ", run.Error, StringComparison.Ordinal);
        Assert.Contains("Start node-1 again", run.Error, StringComparison.Ordinal);
        CliRun list = await CliRun.OfAsync("vm", "list", "--json", "--at", _node.Address);
        Assert.Equal("[]\n", list.Out);
    }

    private async Task CreateAsync(params string[] more)
    {
        CliRun created = await CliRun.OfAsync(
            ["vm", "create", "web", "--image", CpuidReader.Image(_files), "--at", _node.Address, "--json", .. more]);
        Assert.Equal((0, ""), (created.ExitCode, created.Error));
        Assert.Equal("web", JsonDocument.Parse(created.Out).RootElement.GetProperty("name").GetString());
    }

    private Task<CliRun> OnAsync(params string[] words) =>
        CliRun.OfAsync(["vcpu", "cpuid", .. words, "--at", _node.Address]);

    private static void AssertRefused(CliRun run, string expected)
    {
        Assert.Equal((CliFault.Refused, ""), (run.ExitCode, run.Out));
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
