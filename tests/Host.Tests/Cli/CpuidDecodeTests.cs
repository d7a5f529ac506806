// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;

namespace KvmActors.Host.Tests.Cli;

/// <summary><c>cpuid decode</c> and <c>cpuid lint</c> on the dumps of real CPUs.</summary>
public sealed class CpuidDecodeTests
{
    private static string Sample(string name) => Path.Combine(Repository.Root, "samples", "cpuid", name);

    private static string Epyc => Sample("amd-epyc-9334.txt");

    [Fact]
    public async Task Decode_tells_what_a_person_asks_first_and_then_every_leaf()
    {
        CliRun run = await CliRun.OfAsync("cpuid", "decode", Epyc);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("brand           AMD EPYC 9334 32-Core Processor\n", run.Out, StringComparison.Ordinal);
        Assert.Contains("family 25 (0x19), model 17 (0x11), stepping 1\n", run.Out, StringComparison.Ordinal);
        Assert.Contains("physical 52 bits, linear 57 bits\n", run.Out, StringComparison.Ordinal);
        Assert.Matches(@"L3 +unified +32768 +16 +64 +32768 +16 +0x8000001d\n", run.Out);
        Assert.Contains("\n0x7.0  Structured extended features\n  eax  "
            + "max_subleaf=1\n", run.Out, StringComparison.Ordinal);
        Assert.All(run.Out.Split('\n'), line => Assert.InRange(line.Length, 0, 100));
    }

    [Fact]
    public async Task Decode_of_one_leaf_tells_what_is_not_set_too()
    {
        CliRun run = await CliRun.OfAsync("cpuid", "decode", Epyc, "--leaf", "7.0");

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Matches(@"ebx +5 +avx2 +yes\n", run.Out);
        Assert.Matches(@"ebx +4 +hle +no +intel +hardware lock elision\n", run.Out);
    }

    [Fact]
    public async Task Decode_as_json_accounts_for_every_register()
    {
        CliRun run = await CliRun.OfAsync("cpuid", "decode", Epyc, "--leaf", "0x80000008", "--json");

        using var document = JsonDocument.Parse(run.Out);
        JsonElement leaf = document.RootElement.GetProperty("leaves")[0];
        Assert.Equal("0x80000008", leaf.GetProperty("leaf").GetString());
        JsonElement eax = leaf.GetProperty("registers")[0];
        Assert.Equal(52u, eax.GetProperty("fields")[0].GetProperty("raw").GetUInt32());
        Assert.Equal("AuthenticAMD", document.RootElement.GetProperty("summary").GetProperty("maker").GetString());
    }

    [Theory]
    [InlineData("7,1")]
    [InlineData("seven")]
    [InlineData("7.1.2")]
    public async Task Decode_refuses_what_is_no_leaf(string leaf)
    {
        CliRun run = await CliRun.OfAsync("cpuid", "decode", Epyc, "--leaf", leaf);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("Expected LEAF or LEAF.SUBLEAF for --leaf, found "
            + $"\"{leaf}\".", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Decode_of_a_leaf_that_is_not_there_says_so()
    {
        CliRun run = await CliRun.OfAsync("cpuid", "decode", Epyc, "--leaf", "0x33");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("Expected a table with leaf 0x33, found one without.", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lint_of_a_real_CPU_ends_with_0()
    {
        CliRun run = await CliRun.OfAsync("cpuid", "lint", Epyc);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("0 errors, ", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lint_of_AVX_without_XSAVE_ends_with_1_and_names_the_bit()
    {
        string file = Path.GetTempFileName();
        try
        {
            string text = await File.ReadAllTextAsync(Epyc);
            text = text.Replace("ecx=0x7efa320b", "ecx=0x72fa320b", StringComparison.Ordinal);
            await File.WriteAllTextAsync(file, text);

            CliRun run = await CliRun.OfAsync("cpuid", "lint", file, "--json");

            Assert.Equal(1, run.ExitCode);
            using var document = JsonDocument.Parse(run.Out);
            Assert.Contains(document.RootElement.GetProperty("findings").EnumerateArray(), finding =>
                finding.GetProperty("rule").GetString() == "feature-needs"
                && finding.GetProperty("register").GetString() == "ecx"
                && finding.GetProperty("bit").GetInt32() == 28);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
