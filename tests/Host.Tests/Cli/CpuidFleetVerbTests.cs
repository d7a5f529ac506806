// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Cpu.Cpuid.Names;

namespace KvmActors.Host.Tests.Cli;

/// <summary>compare, baseline and check, from files to exit codes.</summary>
public sealed class CpuidFleetVerbTests : IDisposable
{
    private static readonly string s_samples = Path.Combine(AppContext.BaseDirectory, "cpuid");
    private static readonly string s_amd = Path.Combine(s_samples, "amd-epyc-9334.txt");
    private static readonly string s_intel = Path.Combine(s_samples, "intel-xeon-platinum-9242.txt");

    private static readonly string[] s_columns =
        ["leaf", "subleaf", "register", "bit", "name", "a", "b", "direction"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kvmactors-fleet");
    private readonly string _noAvx2;

    public CpuidFleetVerbTests()
    {
        CpuidFeature avx2 = CpuidFeatures.Named("avx2");
        var table = CpuidTable.Of(CpuidText.Read(File.ReadAllText(s_intel)).Entries.Select(entry =>
            (entry.Leaf, entry.Subleaf) == (avx2.Leaf, avx2.Subleaf)
                ? entry with { Ebx = entry.Ebx & ~(1u << avx2.Bit) }
                : entry));
        _noAvx2 = Write("no-avx2.json", CpuidJson.Write(table));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static JsonElement Json(CliRun run)
    {
        Assert.Equal("", run.Error);
        return JsonDocument.Parse(run.Out).RootElement;
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }

    [Fact]
    public async Task Compare_names_the_relation_and_the_bit()
    {
        JsonElement json = Json(await CliRun.OfAsync("cpuid", "compare", s_intel, _noAvx2, "--json"));

        Assert.Equal("superset", json.GetProperty("relation").GetString());
        JsonElement found = Assert.Single(json.GetProperty("differences").EnumerateArray());
        Assert.Equal(
            "0x7 0x0 ebx 5 avx2 1 0 onlyA",
            string.Join(' ', s_columns.Select(name => found.GetProperty(name).ToString())));
        CliRun same = await CliRun.OfAsync("cpuid", "compare", s_intel, s_intel);
        Assert.Contains("identical", same.Out, StringComparison.Ordinal);
        CliRun across = await CliRun.OfAsync("cpuid", "compare", s_intel, s_amd);
        Assert.Equal(0, across.ExitCode);
        Assert.Contains("incompatible", across.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Baseline_prints_a_table_and_explains_by_host()
    {
        CliRun table = await CliRun.OfAsync("cpuid", "baseline", s_intel, _noAvx2);
        CliRun explained = await CliRun.OfAsync("cpuid", "baseline", s_intel, _noAvx2, "--explain");
        JsonElement json = Json(await CliRun.OfAsync("cpuid", "baseline", s_intel, _noAvx2, "--json"));

        Assert.False(CpuidText.Read(table.Out).Has(CpuidFeatures.Named("avx2")));
        Assert.Contains("no-avx2.json lacks it", explained.Out, StringComparison.Ordinal);
        JsonElement lost = Assert.Single(json.GetProperty("lost").EnumerateArray());
        Assert.Equal(("avx2", "lacks"), (lost.GetProperty("name").GetString(), lost.GetProperty("reason").GetString()));
        Assert.Equal("no-avx2.json", lost.GetProperty("hosts")[0].GetString());
        Assert.Equal(CpuidText.Read(table.Out), CpuidJson.Read(json.GetProperty("table").GetRawText()));
    }

    [Fact]
    public async Task What_if_tells_what_a_host_changes()
    {
        JsonElement add = Json(await CliRun.OfAsync(
            "cpuid", "baseline", s_intel, "--what-if", "add", _noAvx2, "--json"));
        JsonElement remove = Json(await CliRun.OfAsync(
            "cpuid", "baseline", s_intel, _noAvx2, "--what-if", "remove", "no-avx2.json", "--json"));
        CliRun unknown = await CliRun.OfAsync("cpuid", "baseline", s_intel, "--what-if", "remove", "nobody");
        CliRun wrong = await CliRun.OfAsync("cpuid", "baseline", s_intel, "--what-if", "swap", "nobody");

        Assert.Equal(
            "avx2", add.GetProperty("whatIf").GetProperty("lost")[0].GetProperty("name").GetString());
        Assert.Equal(
            "avx2", remove.GetProperty("whatIf").GetProperty("gained")[0].GetProperty("name").GetString());
        Assert.Equal(CliFault.Usage, unknown.ExitCode);
        Assert.Equal(CliFault.Usage, wrong.ExitCode);
    }

    [Fact]
    public async Task Mixed_vendors_are_refused_and_across_them_the_loss_is_told()
    {
        CliRun refused = await CliRun.OfAsync("cpuid", "baseline", s_intel, s_amd);
        CliRun made = await CliRun.OfAsync("cpuid", "baseline", s_intel, s_amd, "--cross-vendor");

        Assert.Equal((CliFault.Refused, ""), (refused.ExitCode, refused.Out));
        Assert.Contains("--cross-vendor", refused.Error, StringComparison.Ordinal);
        Assert.Equal("GenuineIntel", CpuidText.Read(made.Out).Vendor);
        Assert.Contains("Given up", made.Error, StringComparison.Ordinal);
        Assert.Contains("hypercalls", made.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0x7", "refused", 1, "true")]
    [InlineData("0x1", "okWithLoss", 0, "false")]
    public async Task A_check_tells_what_was_read_from_what_was_not(
        string leaf, string verdict, int exitCode, string observed)
    {
        string record = Write(
            "record.json",
            $$"""{"vcpu":"web/0","observed":[{"leaf":"{{leaf}}","subleaf":"0x0","firstVmTime":123,"reads":4}]}""");

        CliRun run = await CliRun.OfAsync(
            "cpuid", "check", s_intel, "--on", _noAvx2, "--observed", record, "--allow-unobserved", "--json");

        Assert.Equal(exitCode, run.ExitCode);
        Assert.Equal(verdict, Json(run).GetProperty("verdict").GetString());
        Assert.Equal(observed, Json(run).GetProperty("reasons")[0].GetProperty("observed").GetRawText());
    }

    [Fact]
    public async Task A_check_without_a_record_is_strict()
    {
        CliRun refused = await CliRun.OfAsync("cpuid", "check", s_intel, "--on", _noAvx2);
        CliRun ok = await CliRun.OfAsync("cpuid", "check", _noAvx2, "--on", s_intel);
        CliRun noRecord = await CliRun.OfAsync("cpuid", "check", s_intel, "--on", _noAvx2, "--allow-unobserved");
        CliRun noTable = await CliRun.OfAsync("cpuid", "check", "--on", _noAvx2);
        CliRun broken = await CliRun.OfAsync(
            "cpuid", "check", s_intel, "--on", _noAvx2, "--observed", Write("broken.json", "{\"vcpu\":\"a\"}"));

        Assert.Equal(CliFault.Refused, refused.ExitCode);
        Assert.Contains("avx2", refused.Out, StringComparison.Ordinal);
        Assert.Equal(0, ok.ExitCode);
        Assert.Equal(CliFault.Usage, noRecord.ExitCode);
        Assert.Equal(CliFault.Usage, noTable.ExitCode);
        Assert.Contains("\"observed\"", broken.Error, StringComparison.Ordinal);
    }
}
