// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Host.Configuration;
using KvmActors.Host.Solo;
using KvmActors.Machine;
using KvmActors.Machine.Loaders;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>run IMAGE</c>: one VM in this process, with no cluster and no journal.</summary>
internal static class RunVerb
{
    private const string Description = "Run one VM in this process, without a cluster and without a journal.";

    private const string Remarks = """
        The guest's first serial port goes to stdout as raw bytes, messages go to stderr. With --json, stdout holds one
        object at the end, with the console in it.

        Exit codes: odd (v << 1 | 1) where the guest wrote v to port 0xf4; 0 it halted for good or switched itself
        off; 2 wrong arguments or a bad image; 4 triple fault; 6 an instruction that this engine does not have; 8 a
        limit was reached; 10 it asked for a reset; 12 the engines differ (--engine lockstep); 130 Ctrl-C.
        """;

    private const ulong MemoryBytesDefault = 64UL << 20;

    private static readonly string[] s_examples =
    [
        "kvmactors run kernel.elf",
        "kvmactors run kernel.elf --memory 128M --append \"console=serial test=all\" --timeout 30s",
        "# Debian's stock kernel: samples/linux says where to get it.",
        "kvmactors run vmlinux --initrd initramfs.cpio --memory 256M --vcpus 2 --append console=ttyS0",
        "# A guest built for VMCALL on a host where VMMCALL is native: its hypercall sites are patched.",
        "kvmactors run kernel.elf --host-vendor amd --json",
        "# Both engines at once: stops at the first instruction at which they differ.",
        "kvmactors run kernel.elf --engine lockstep",
        "# How fast it was, and in which tier.",
        "kvmactors run kernel.elf --stats",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> image = Image();
        Option<ulong?> memory = Memory();
        Option<string?> append = VerbOptions.Append();
        Option<string?> initrd = VerbOptions.Initrd();
        Option<BootProtocol?> boot = Boot();
        Option<HostVendor?> vendor = Vendor();
        Option<HypercallPatchPolicy?> patch = VerbOptions.Choice(
            "--hypercall-patch", "What to do with the other maker's [default: auto]", ConfigurationWords.PatchPolicies);
        Option<ulong?> instructions = VerbOptions.Count("--max-instructions", "Stop exactly here [default: no limit]");
        Option<TimeSpan?> timeout = VerbOptions.Duration("--timeout", "Stop after this time on the wall clock");
        Option<ulong?> vcpus = VerbOptions.Vcpus();
        Option<string?> cpuid = VerbOptions.Cpuid();
        Option<CpuidDialect?> dialect = VerbOptions.CpuidDialect();
        Option<(EngineChoice Choice, bool IsLockstep)?> engine = Engine();
        Option<ulong?> seed = VerbOptions.RandomSeed("0");
        Option<string?> serial = Serial();
        Option<bool> stats = Stats();
        Option<bool> json = VerbOptions.Json("what came of the run");
        VerbCommand verb = new("run", Description, Remarks, s_examples)
        {
            image, memory, append, initrd, boot, vendor, patch, instructions, timeout, vcpus, cpuid, dialect, seed,
            engine, stats, serial, json,
        };
        verb.SetAction((parsed, stop) => Task.FromResult(Run(
            new SoloMachineOptions(
                parsed.GetRequiredValue(image),
                new MachineSpec(
                    (int)Math.Min(parsed.GetValue(vcpus) ?? 1, int.MaxValue),
                    parsed.GetValue(memory) ?? MemoryBytesDefault,
                    parsed.GetValue(patch) ?? HypercallPatchPolicy.Auto,
                    MachineSpec.TurnTicksDefault)
                {
                    CpuidDialect = parsed.GetValue(dialect) ?? CpuidDialect.Kvm,
                    RandomSeed = parsed.GetValue(seed) ?? 0,
                },
                parsed.GetValue(append),
                parsed.GetValue(initrd),
                parsed.GetValue(boot),
                parsed.GetValue(vendor),
                parsed.GetValue(cpuid),
                parsed.GetValue(instructions) ?? ulong.MaxValue,
                parsed.GetValue(timeout),
                parsed.GetValue(serial),
                parsed.GetValue(json))
            {
                Engine = parsed.GetValue(engine)?.Choice ?? EngineChoice.Auto,
                IsLockstep = parsed.GetValue(engine) is { IsLockstep: true },
                ShowsStatistics = parsed.GetValue(stats),
            },
            terminal,
            stop)));
        return verb;
    }

    private static Argument<string> Image() => new("IMAGE")
    {
        Description = "A multiboot-1 or PVH kernel, Linux (vmlinux, bzImage), or a boot sector (flat binary)",
    };

    private static Option<ulong?> Memory() => VerbOptions.Size(
        "--memory",
        "Guest memory [default: 64M]",
        MachineSpecRules.MemoryBytesMin,
        MachineSpecRules.MemoryBytesMax);

    private static Option<BootProtocol?> Boot() => VerbOptions.Choice(
        "--boot",
        "How the image is entered [default: as it says itself]",
        ConfigurationWords.BootProtocols);

    private static Option<HostVendor?> Vendor() => VerbOptions.Choice(
        "--host-vendor",
        "Whose hypercall instruction is native [default: that of this machine's CPU]",
        ConfigurationWords.Vendors);

    private static Option<(EngineChoice Choice, bool IsLockstep)?> Engine() => VerbOptions.Choice(
        "--engine",
        "What executes the instructions; no result depends on it. lockstep runs both and compares [default: auto]",
        [
            .. ConfigurationWords.Engines.Select(each => (each.Word, (each.Value, false))),
            ("lockstep", (EngineChoice.Translator, true)),
        ]);

    private static Option<bool> Stats() => new("--stats")
    {
        Description = "Tell at the end what the engine has done: on stderr, with --json in the object",
    };

    private static Option<string?> Serial() => new("--serial")
    {
        Description = "Write the serial port to this file instead of stdout",
        HelpName = "FILE",
    };

    /// <summary>Whatever fails here, the exit code 1 stays the guest's.</summary>
    private static int Run(SoloMachineOptions options, CliTerminal terminal, CancellationToken stop)
    {
        try
        {
            return SoloMachine.Run(options, terminal, stop);
        }
        catch (Exception fault) when (fault is not (CliFault or OperationCanceledException))
        {
            _ = FaultText.Report(fault, terminal);
            return CliFault.Usage;
        }
    }
}
