// SPDX-License-Identifier: Apache-2.0

using System.Text;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Cpu.Cpuid.Models;
using KvmActors.Host.Cli;

namespace KvmActors.Host.Tests.Cli;

/// <summary><c>cpuid host</c>, <c>convert</c>, <c>models</c> and <c>query</c>, as a shell runs them.</summary>
public sealed class CpuidVerbTests
{
    [Theory]
    [InlineData("raw")]
    [InlineData("json")]
    [InlineData("libvirt")]
    [InlineData("firecracker")]
    public async Task A_model_is_converted_to_a_form_and_back(string format)
    {
        CliRun converted = await CliRun.OfAsync("cpuid", "convert", "model:amd-milan", "--format", format);
        CliRun back = await WithInputAsync(converted.Out, "cpuid", "convert", "-");

        Assert.Equal((0, ""), (back.ExitCode, back.Error));
        Assert.Equal(CpuidText.Write(CpuidModels.Find("amd-milan")!.Table), back.Out);
    }

    [Fact]
    public async Task What_a_file_says_beside_cpuid_is_named_on_standard_error()
    {
        CliRun run = await WithInputAsync(
            "<cpudata><cpuid eax_in='0x0' eax='0x1' ebx='0x2' ecx='0x3' edx='0x4'/>"
            + "<msr index='0x10a' eax='0x1' edx='0x0'/></cpudata>",
            "cpuid",
            "convert",
            "-");

        Assert.Equal("kvmactors: left out, as it is not CPUID: MSR 0x10a = 0x0000000000000001\n", run.Error);
        Assert.Equal(
            "CPU:\n   0x00000000 0x00: eax=0x00000001 ebx=0x00000002 ecx=0x00000003 edx=0x00000004\n", run.Out);
    }

    [Fact]
    public async Task A_query_answers_in_the_form_of_the_cpuid_program()
    {
        CliRun one = await CliRun.OfAsync("cpuid", "query", "model:x86-64-v3", "0xd");
        CliRun many = await WithInputAsync("0xb 1\n# a comment\n\n7\n", "cpuid", "query", "model:x86-64-v3", "-");

        Assert.Equal("0x0000000d 0x00: eax=0x00000007 ebx=0x00000240 ecx=0x00000340 edx=0x00000000\n", one.Out);
        Assert.Equal(
            "0x0000000b 0x01: eax=0x00000000 ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n"
            + "0x00000007 0x00: eax=0x00000000 ebx=0x00000128 ecx=0x00000000 edx=0x00000000\n",
            many.Out);
    }

    [Theory]
    [InlineData("seven", null)]
    [InlineData("0x123456789", null)]
    [InlineData("7", "-1")]
    [InlineData("-", "1")]
    public async Task A_leaf_that_is_no_number_is_wrong_usage(string leaf, string? subleaf)
    {
        string[] words = ["cpuid", "query", "model:x86-64-v3", leaf, .. subleaf is null ? [] : new[] { subleaf }];

        CliRun run = await CliRun.OfAsync(words);

        Assert.Equal(CliFault.Usage, run.ExitCode);
        Assert.NotEmpty(run.Error);
        Assert.Empty(run.Out);
    }

    [Fact]
    public async Task The_library_is_listed_and_an_unknown_model_is_answered_with_those_there_are()
    {
        CliRun list = await CliRun.OfAsync("cpuid", "models");
        CliRun unknown = await CliRun.OfAsync("cpuid", "models", "amd-venice");

        Assert.All(CpuidModels.All, model => Assert.Contains(model.Name, list.Out, StringComparison.Ordinal));
        Assert.Equal(1, unknown.ExitCode);
        Assert.Contains(
            "Expected a model of the library, found \"amd-venice\". Choose one of: x86-64-v1,",
            unknown.Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_table_that_is_not_there_is_refused_with_the_words_there_are() => Assert.Contains(
        "A table is named as host|kvm|model:NAME|FILE|-.",
        Assert.Throws<CliFault>(() => CpuidTableSource.Load("no-such-file.txt")).Message,
        StringComparison.Ordinal);

    private static async Task<CliRun> WithInputAsync(string input, params string[] arguments)
    {
        using var source = new MemoryStream(Encoding.UTF8.GetBytes(input));
        using var output = new MemoryStream();
        using var error = new MemoryStream();
        var terminal = new CliTerminal(
            source, output, error, isOutTerminal: false, isErrorTerminal: false, noColour: false);
        int exitCode = await KvmActorsProgram.RunAsync(arguments, terminal, CancellationToken.None);
        return new CliRun(
            exitCode, Encoding.UTF8.GetString(output.ToArray()), Encoding.UTF8.GetString(error.ToArray()));
    }
}
