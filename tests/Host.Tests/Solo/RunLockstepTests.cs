// SPDX-License-Identifier: Apache-2.0

using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using KvmActors.Cpu;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Host.Cli;
using KvmActors.Host.Solo;
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
        LockstepDifference? found = LockstepRun.Run(
            Options(), _ => { }, () => false, new EngineOptions(), Plant).Difference;

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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_wrong_engine_ends_the_run_with_its_exit_code_and_the_instruction(bool isJson)
    {
        using MemoryStream output = new();
        using MemoryStream error = new();
        CliTerminal terminal = new(
            Stream.Null, output, error, isOutTerminal: false, isErrorTerminal: false, noColour: false);

        int exitCode = SoloMachine.Run(WrongAbout(0x1234, isJson), terminal, CancellationToken.None);

        string told = Encoding.UTF8.GetString(error.ToArray());
        Assert.Equal(12, exitCode);
        Assert.Contains(
            "The engines differ: equal until VM time 2001 (2001 instructions), different at 2002.",
            told,
            StringComparison.Ordinal);
        Assert.Matches(@"(?m)^  \S*rdx +\S*1234 \| \S*1235\r?$", told);
        Assert.EndsWith(
            "first different instruction, vCPU 0: 0x7c07  mov dx, 0x1234", told.TrimEnd(), StringComparison.Ordinal);
        if (isJson)
        {
            using var report = JsonDocument.Parse(output.ToArray());
            JsonElement root = report.RootElement;
            Assert.Equal("different", root.GetProperty("stop").GetString());
            Assert.Equal(12, root.GetProperty("exitCode").GetInt32());
            Assert.Equal(2001, root.GetProperty("difference").GetProperty("equalUntil").GetInt32());
        }
    }

    [Fact]
    public async Task Statistics_are_those_of_both_engines()
    {
        string[] arguments = ["run", _guests.Story(), "--engine", "lockstep", "--stats"];
        CliRun text = await CliRun.OfAsync(arguments);
        CliRun json = await CliRun.OfAsync([.. arguments, "--json"]);

        if (Vcpu.TranslatorRefusal is not null)
        {
            Assert.Equal((CliFault.Usage, CliFault.Usage), (text.ExitCode, json.ExitCode));
            return;
        }

        Assert.Equal(
            ["interpreter", "translator"],
            Regex.Matches(text.Error, "(?m)^lockstep, the VM in the (?<engine>\\w+) ")
                .Select(match => match.Groups["engine"].Value));
        Assert.Single(Regex.Matches(text.Error, "(?m)^host code "));
        using var report = JsonDocument.Parse(json.Out);
        JsonElement translator = report.RootElement.GetProperty("stats").GetProperty("engine");
        JsonElement interpreter = report.RootElement.GetProperty("interpreterStats").GetProperty("engine");
        Assert.True(translator.GetProperty("hasTranslator").GetBoolean());
        Assert.False(interpreter.GetProperty("hasTranslator").GetBoolean());
        Assert.True(translator.GetProperty("hostCodeInstructions").GetInt64() > 0);
        Assert.True(translator.GetProperty("translationTime").GetInt64() > 0);
        Assert.Equal(
            interpreter.GetProperty("instructions").GetInt64(), translator.GetProperty("instructions").GetInt64());
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

    /// <summary>A boot sector whose 2,002nd instruction loads a constant, in an engine that is wrong about
    /// it.</summary>
    private SoloMachineOptions WrongAbout(ushort constant, bool isJson)
    {
        byte[] code =
        [
            0xB9, 0xE8, 0x03, // mov cx, 1000
            0x01, 0xCB, // again: add bx, cx
            0xE2, 0xFC, // loop again
            0xBA, (byte)constant, (byte)(constant >> 8), // mov dx, constant
            0x01, 0xD3, // add bx, dx
            0xB0, 0x10, // mov al, 0x10
            0xE6, 0xF4, // out 0xF4, al
        ];
        MachineSpec spec = new(VcpuCount: 1, 64UL << 20, HypercallPatchPolicy.Auto, MachineSpec.TurnTicksDefault);
        return new SoloMachineOptions(
            _guests.Sector(code),
            spec,
            Append: null,
            Initrd: null,
            BootProtocol: null,
            HostVendor.Intel,
            CpuidFile: null,
            ulong.MaxValue,
            Timeout: null,
            SerialFile: null,
            isJson)
        {
            IsLockstep = true,
            LockstepTwin = new EngineOptions { TierSource = () => new WrongTier(constant) },
        };
    }

    private SoloRunOptions Options() => new(
        new MachineSpec(VcpuCount: 1, 64UL << 20, HypercallPatchPolicy.Auto, MachineSpec.TurnTicksDefault),
        BootImageLoader.Load(File.ReadAllBytes(_guests.Story()), "story", default),
        CpuidSource.Read(null),
        HostVendor.Intel);
}
