// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using Google.Protobuf;
using KvmActors.Actors.Cluster;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Host.Configuration;
using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Solo;
using KvmActors.Machine;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>vm create NAME --image FILE</c></summary>
internal static class VmCreateVerb
{
    private const string Description = "Create a VM from an image; it is not started.";

    private const string CpuidHelp =
        "baseline: what all active nodes offer in common; baseline:A,B: what these nodes offer, named after A; node: "
        + "what the node offers that it is created on; or a table, cut down to what the engine executes: "
        + CpuidTableSource.Words + " [default: vm.cpu of the node]";

    private const string Baseline = "baseline";
    private const string BaselinePrefix = "baseline:";
    private const string Node = "node";

    private static readonly string[] s_examples =
    [
        "kvmactors vm create web --image kernel.elf",
        "kvmactors vm create web --image kernel.elf --memory 128M --on node-2 --append quiet",
        "kvmactors vm create web --image vmlinux --initrd initramfs.cpio --memory 256M --append console=ttyS0",
        "kvmactors vm create web --image kernel.elf --cpuid model:x86-64-v2",
        "kvmactors vm create web --image kernel.elf --cpuid baseline:node-1,node-3 --start --json",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> name = new("NAME") { Description = "1 to 63 of a-z, 0-9 and '-', first a letter" };
        Option<string> image = new("--image")
        {
            Description = "A multiboot-1 or PVH kernel, Linux (vmlinux, bzImage), or a boot sector (flat binary)",
            HelpName = "FILE",
            Required = true,
        };
        Option<ulong?> memory = VerbOptions.Size(
            "--memory",
            "Guest memory [default: vm.memory of the node]",
            MachineSpecRules.MemoryBytesMin,
            MachineSpecRules.MemoryBytesMax);
        Option<ulong?> vcpus = VerbOptions.Vcpus();
        Option<string?> append = VerbOptions.Append();
        Option<string?> initrd = VerbOptions.Initrd();
        Option<HypercallPatchPolicy?> patch = VerbOptions.Choice(
            "--hypercall-patch",
            "What to do with the other maker's hypercall instruction [default: vm.hypercall-patch of the node]",
            ConfigurationWords.PatchPolicies);
        Option<string?> cpuid = CpuidOption();
        Option<CpuidDialect?> dialect = VerbOptions.CpuidDialect();
        Option<ulong?> seed = VerbOptions.RandomSeed("made from the name");
        Option<string?> on = OnOption();
        Option<bool> start = new("--start") { Description = "Start it too" };
        ClusterAccess access = new();
        Option<bool> json = VerbOptions.Json("the VM");
        VerbCommand verb = new("create", Description, VerbOptions.AtRemarks, s_examples)
        {
            name, image, memory, vcpus, append, initrd, patch, cpuid, dialect, seed, on, start, json,
        };
        access.AddTo(verb);
        verb.SetAction(async (parsed, stop) =>
        {
            using ControlClient client = access.Connect(parsed);
            string path = parsed.GetRequiredValue(image);
            byte[] file = GuestImageFile.Read(path);
            byte[] disk = parsed.GetValue(initrd) is { } diskPath ? GuestImageFile.Read(diskPath) : [];
            CheckSize(file.Length + (long)disk.Length);
            CreateVmRequest request = new()
            {
                Command = client.NextCommand(),
                Name = parsed.GetRequiredValue(name),
                Image = UnsafeByteOperations.UnsafeWrap(file),
                ImageName = Path.GetFileName(path),
                CommandLine = GuestImageFile.CommandLine(path, parsed.GetValue(append)),
                Initrd = UnsafeByteOperations.UnsafeWrap(disk),
                MemoryBytes = parsed.GetValue(memory) ?? 0,
                Vcpus = (uint)Math.Min(parsed.GetValue(vcpus) ?? 1, uint.MaxValue),
                HypercallPatch = parsed.GetValue(patch) is { } policy ? ConfigurationWords.Of(policy) : "",
                CpuidDialect = ConfigurationWords.Of(parsed.GetValue(dialect) ?? CpuidDialect.Kvm),
                Cpuid = ChoiceOf(parsed.GetValue(cpuid)),
                OnNode = parsed.GetValue(on) ?? "",
            };
            if (parsed.GetValue(seed) is { } randomSeed)
            {
                request.RandomSeed = randomSeed;
            }

            VmStatus vm = await client.CallAsync(ControlMethods.CreateVm, request, stop).ConfigureAwait(false);
            if (parsed.GetValue(start))
            {
                VmCommandRequest order = new() { Command = client.NextCommand(), Name = vm.Name };
                vm = await client.CallAsync(ControlMethods.StartVm, order, stop).ConfigureAwait(false);
            }

            VmVerbs.Print(vm, parsed.GetValue(json), terminal);
            return 0;
        });
        return verb;
    }

    private static void CheckSize(long bytes)
    {
        if (bytes > VmBlueprint.ImageBytesMax)
        {
            throw new CliFault(
                $"Expected an image and initial RAM disk of at most {VmBlueprint.ImageBytesMax} bytes together, found "
                + $"{bytes}. Give smaller ones.");
        }
    }

    private static Option<string?> CpuidOption() => new("--cpuid")
    {
        Description = CpuidHelp,
        HelpName = "baseline|baseline:A,B|node|TABLE",
    };

    private static Option<string?> OnOption() => new("--on")
    {
        Description = "Name of the node to create it on [default: the node that is asked]",
        HelpName = "NODE",
    };

    /// <returns>Null: as the node's configuration says.</returns>
    private static CpuidChoice? ChoiceOf(string? text) => text switch
    {
        null => null,
        Baseline => new CpuidChoice { Cluster = new CpuidChoice.Types.Cluster() },
        Node => new CpuidChoice { Node = new CpuidChoice.Types.Node() },
        _ when text.StartsWith(BaselinePrefix, StringComparison.Ordinal) => new CpuidChoice
        {
            Nodes = new CpuidChoice.Types.Nodes
            {
                Names = { text[BaselinePrefix.Length..].Split(',', StringSplitOptions.TrimEntries) },
            },
        },
        _ => new CpuidChoice { Text = CpuidJson.Write(CpuidTableSource.Load(text)) },
    };
}
