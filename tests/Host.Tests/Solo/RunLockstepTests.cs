// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Cpu;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Host.Solo.Lockstep;
using KvmActors.Host.Tests.Cli;
using KvmActors.Machine;
using KvmActors.Machine.Loaders;

namespace KvmActors.Host.Tests.Solo;

public sealed class RunLockstepTests : IDisposable
{
    private const ulong PlantedAt = 12_345;
    private const ulong PlantedIn = 0x20_1234;

    private readonly GuestFiles _guests = new();

    public void Dispose() => _guests.Dispose();

    [Theory]
    [InlineData("1")]
    [InlineData("2")]
    public async Task Engines_that_agree_are_one_run(string vcpus)
    {
        CliRun alone = await CliRun.OfAsync(
            "run", _guests.Story(), "--vcpus", vcpus, "--json", "--engine", "interpreter");
        CliRun both = await CliRun.OfAsync("run", _guests.Story(), "--vcpus", vcpus, "--json", "--engine", "lockstep");

        if (Vcpu.TranslatorRefusal is not null)
        {
            Assert.Equal(CliFault.Usage, both.ExitCode);
            return;
        }

        Assert.Equal((alone.ExitCode, ""), (both.ExitCode, both.Error));
        using var one = JsonDocument.Parse(alone.Out);
        using var two = JsonDocument.Parse(both.Out);
        foreach (string name in (string[])["stateHash", "memorySum", "vmTime", "consoleSha256", "consoleBytes", "stop"])
        {
            Assert.Equal(one.RootElement.GetProperty(name).ToString(), two.RootElement.GetProperty(name).ToString());
        }
    }

    [Fact]
    public void A_byte_that_changes_in_one_twin_is_found_to_the_instruction()
    {
        (SoloRunResult _, LockstepDifference? found) = LockstepRun.Run(
            Options(), _ => { }, () => false, new EngineOptions(), Plant);

        Assert.NotNull(found);
        Assert.True(found.IsNarrowed);
        Assert.Equal((PlantedAt - 1, PlantedAt), (found.EqualUntil, found.VmTime));
        Assert.Equal(PlantedAt - 1, found.Instructions);
        Assert.Equal("0x201234", Assert.Single(found.Memory).Physical);
        Assert.NotEmpty(found.Instruction);
        using StringWriter text = new();
        found.Write(text);
        Assert.Contains("first different instruction, vCPU 0: 0x", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_refused_translator_is_told_under_auto_alone()
    {
        const string Refusal = "the system refuses executable memory";

        Assert.Equal(
            "The translator cannot run here: the system refuses executable memory. The interpreter runs alone, which "
            + "is slower; nothing else changes.",
            EngineSource.NoteOf(EngineChoice.Auto, Refusal));
        Assert.Null(EngineSource.NoteOf(EngineChoice.Interpreter, Refusal));
        Assert.Null(EngineSource.NoteOf(EngineChoice.Auto, refusal: null));
    }

    private static void Plant(VirtualMachine twin)
    {
        if (twin.VmTime >= PlantedAt)
        {
            twin.Memory.Write(new Gpa(PlantedIn), [0x5A]);
        }
    }

    private SoloRunOptions Options() => new(
        new MachineSpec(VcpuCount: 1, 64UL << 20, HypercallPatchPolicy.Auto, MachineSpec.TurnTicksDefault),
        BootImageLoader.Load(File.ReadAllBytes(_guests.Story()), "story", default),
        CpuidSource.Read(null),
        HostVendor.Intel);
}
