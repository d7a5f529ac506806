// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Host.Tests.Cli;

namespace KvmActors.Host.Tests.Solo;

public sealed class RunVerbTests : IDisposable
{
    private readonly GuestFiles _guests = new();

    public void Dispose() => _guests.Dispose();

    [Fact]
    public async Task The_serial_port_is_stdout_and_the_exit_code_is_the_guests()
    {
        CliRun run = await CliRun.OfAsync("run", _guests.Story(), "--host-vendor", "intel");

        Assert.Equal((1, ""), (run.ExitCode, run.Error));
        Assert.Contains("\n", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_cannot_tell_the_vendors_apart_but_its_sites_are_patched()
    {
        using JsonDocument intel = await RunJsonAsync("--host-vendor", "intel");
        using JsonDocument amd = await RunJsonAsync("--host-vendor", "amd");

        foreach (string name in (string[])["console", "consoleSha256", "exitCode", "instructions", "imageSha256"])
        {
            Assert.Equal(
                intel.RootElement.GetProperty(name).ToString(), amd.RootElement.GetProperty(name).ToString());
        }

        Assert.Empty(intel.RootElement.GetProperty("patches").EnumerateArray());
        JsonElement patch = amd.RootElement.GetProperty("patches")[0];
        Assert.Equal("0f01c1", patch.GetProperty("before").GetString());
        Assert.Equal("0f01d9", patch.GetProperty("after").GetString());
        Assert.Equal("VMMCALL", patch.GetProperty("instruction").GetString());
    }

    [Fact]
    public async Task Emulate_writes_no_byte()
    {
        using JsonDocument run = await RunJsonAsync("--host-vendor", "amd", "--hypercall-patch", "emulate");

        Assert.Empty(run.RootElement.GetProperty("patches").EnumerateArray());
        Assert.Equal(1, run.RootElement.GetProperty("exitCode").GetInt32());
    }

    [Fact]
    public async Task The_instruction_limit_is_exact()
    {
        CliRun run = await CliRun.OfAsync("run", _guests.Story(), "--max-instructions", "12345");

        Assert.Equal(8, run.ExitCode);
        Assert.Equal(
            "kvmactors: The guest did not end within --max-instructions; it was stopped after 12345 instructions.\n",
            run.Error);
    }

    [Fact]
    public async Task A_guest_without_end_is_stopped_by_the_timeout()
    {
        CliRun run = await CliRun.OfAsync("run", _guests.Sector(0xEB, 0xFE), "--timeout", "20ms");

        Assert.Equal(8, run.ExitCode);
        Assert.StartsWith(
            "kvmactors: The guest did not end within 00:00:00.0200000;", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_halt_that_nothing_can_wake_is_power_off()
    {
        CliRun run = await CliRun.OfAsync("run", _guests.Sector(0xFA, 0xF4));

        Assert.Equal((0, "", ""), (run.ExitCode, run.Out, run.Error));
    }

    [Fact]
    public async Task A_triple_fault_is_told_and_ends_with_4()
    {
        // lidt [7c09], a table of no entries; int3.
        CliRun run = await CliRun.OfAsync("run", _guests.Sector(0x0F, 0x01, 0x1E, 0x09, 0x7C, 0xCC));

        Assert.Equal(4, run.ExitCode);
        Assert.Contains("triple fault", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_value_at_the_debug_port_is_an_odd_exit_code()
    {
        // mov al, 42; out f4, al.
        CliRun run = await CliRun.OfAsync("run", _guests.Sector(0xB0, 42, 0xE6, 0xF4));

        Assert.Equal(((42 << 1) | 1, ""), (run.ExitCode, run.Error));
    }

    [Fact]
    public async Task The_serial_port_can_go_to_a_file()
    {
        string file = _guests.Path("serial.txt");

        CliRun run = await CliRun.OfAsync("run", _guests.Story(), "--serial", file, "--json");

        Assert.Equal(1, run.ExitCode);
        using var json = JsonDocument.Parse(run.Out);
        Assert.Equal(json.RootElement.GetProperty("console").GetString(), await File.ReadAllTextAsync(file));
    }

    [Fact]
    public async Task Two_runs_end_in_one_state()
    {
        using JsonDocument first = await RunJsonAsync("--host-vendor", "amd");
        using JsonDocument second = await RunJsonAsync("--host-vendor", "amd");

        foreach (string name in (string[])["stateHash", "memorySum", "vmTime", "consoleSha256"])
        {
            Assert.Equal(
                first.RootElement.GetProperty(name).ToString(), second.RootElement.GetProperty(name).ToString());
        }
    }

    [Fact]
    public async Task A_dump_of_another_cpu_can_be_its_cpuid()
    {
        string dump = Repository.File("samples/cpuid/amd-epyc-9334.txt");

        using JsonDocument other = await RunJsonAsync("--cpuid", dump);

        Assert.Contains("AuthenticAMD", other.RootElement.GetProperty("console").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "an empty file")]
    [InlineData("just text\n", "a file of 10 bytes")]
    [InlineData("\u007fELF", "broken.elf: Expected")]
    public async Task A_broken_image_is_one_message_and_wrong_usage(string content, string expected)
    {
        CliRun run = await CliRun.OfAsync("run", _guests.Text("broken.elf", content));

        AssertRefused(run, expected);
    }

    [Fact]
    public async Task A_missing_image_is_one_message_and_wrong_usage() =>
        AssertRefused(
            await CliRun.OfAsync("run", "/nowhere/kernel.elf"), "Expected a guest image at /nowhere/kernel.elf");

    [Fact]
    public async Task A_bad_cpuid_table_is_one_message_and_wrong_usage()
    {
        string dump = _guests.Text("dump.txt", "CPU:\n   0x00000000 0x00: eax=what\n");

        AssertRefused(await CliRun.OfAsync("run", _guests.Story(), "--cpuid", dump), "dump.txt: ");
    }

    [Theory]
    [InlineData("--vcpus", "17", "Expected 1 to 16 vCPUs, found 17")]
    [InlineData("--memory", "3", "Expected a size from 65536")]
    [InlineData("--host-vendor", "via", "Expected one of intel, amd for --host-vendor, found \"via\"")]
    [InlineData("--timeout", "soon", "Expected a duration above 0 for --timeout, found \"soon\"")]
    [InlineData("--cpuid", "/nowhere/dump", "Expected a CPUID table at /nowhere/dump")]
    [InlineData("--serial", "/nowhere/serial", "Name another file with --serial.")]
    [InlineData("--max-instructions", "many", "many")]
    public async Task A_bad_option_is_wrong_usage(string option, string value, string expected)
    {
        CliRun run = await CliRun.OfAsync("run", _guests.Story(), option, value);

        Assert.Equal(CliFault.Usage, run.ExitCode);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_too_large_for_the_memory_is_refused() => AssertRefused(
        await CliRun.OfAsync("run", _guests.Story(), "--memory", "64K"), "story.elf: Expected");

    private static void AssertRefused(CliRun run, string expected)
    {
        Assert.Equal(CliFault.Usage, run.ExitCode);
        Assert.Empty(run.Out);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    private async Task<JsonDocument> RunJsonAsync(params string[] options)
    {
        CliRun run = await CliRun.OfAsync(["run", _guests.Story(), .. options, "--json"]);
        Assert.Empty(run.Error);
        return JsonDocument.Parse(run.Out);
    }
}
