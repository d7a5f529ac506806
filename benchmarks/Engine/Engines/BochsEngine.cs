// SPDX-License-Identifier: Apache-2.0

using KvmActors.Benchmarks.Engine.Guests;

namespace KvmActors.Benchmarks.Engine.Engines;

/// <summary>A process of Bochs, which boots from a disk. Its screen is RFB's, which needs neither a terminal nor X and
/// waits for nobody.</summary>
/// <param name="folder">For its files.</param>
internal sealed class BochsEngine(string folder) : IGuestEngine
{
    private const string Program = "bochs";
    private const string Firmware = "/usr/share/bochs";
    private const string Bios = "BIOS-bochs-latest";
    private const string VgaBios = "VGABIOS-lgpl-latest";

    /// <summary>After its port to end it was written to, and after a failure; its log tells them apart.</summary>
    private const int ExitCode = 1;

    private const string End = "Shutdown port: shutdown requested";

    /// <summary>In the log: what it gave up for.</summary>
    private const string Panic = ">>PANIC<<";

    /// <summary>Of its clock, by which timers of devices and the waits of its BIOS go.</summary>
    private const uint TicksPerSecond = 50_000_000;

    public static bool IsInstalled { get; } =
        ChildProcess.IsInstalled(Program) && File.Exists(Path.Combine(Firmware, Bios))
        && File.Exists(Path.Combine(Firmware, VgaBios));

    public string Name => Report.Bochs;

    public bool Interprets => true;

    /// <summary>A Bochs with its debugger, as Debian's is, stops before the first instruction and asks.</summary>
    private static bool HasDebugger => s_help.Value.Contains("-rc filename", StringComparison.Ordinal);

    private static readonly Lazy<string> s_help = new(() => ChildProcess.Output(Program, "--help"));

    public static string Describe() =>
        s_help.Value.Split('\n').First(line => line.Contains("Emulator", StringComparison.Ordinal)).Trim()
        + (HasDebugger ? ", built with its debugger." : ".");

    public bool Takes(int imageBytes) => imageBytes <= BootDisk.ImageBytesMax;

    public GuestRun Run(byte[] image)
    {
        byte[] disk = BootDisk.Build(image);
        string diskFile = Path.Combine(folder, "bochs.disk");
        string settings = Path.Combine(folder, "bochs.rc");
        string commands = Path.Combine(folder, "bochs.debugger");
        string console = Path.Combine(folder, "bochs.console");
        string log = Path.Combine(folder, "bochs.log");
        File.WriteAllBytes(diskFile, disk);
        File.WriteAllText(settings, Settings(diskFile, disk.Length / BootDisk.CylinderBytes, console, log));
        File.WriteAllText(commands, "continue\n");
        File.Delete(console);
        string[] debugger = HasDebugger ? ["-rc", commands] : [];
        double seconds = ChildProcess.Run(Program, ["-q", "-f", settings, .. debugger], ExitCode);
        string why = File.ReadLines(log).FirstOrDefault(line => line.Contains(Panic, StringComparison.Ordinal)) ?? "";
        return why.EndsWith(End, StringComparison.Ordinal)
            ? new GuestRun(File.ReadAllText(console), seconds, Instructions: 0)
            : throw new InvalidOperationException($"Expected the guest to end {Program}, found \"{why}\".");
    }

    private static string Settings(string disk, int cylinders, string console, string log) =>
        $"""
        display_library: rfb, options="timeout=0"
        cpu: ips={TicksPerSecond}, reset_on_triple_fault=0
        clock: sync=none
        megs: {GuestLayout.MemoryBytes >> 20}
        romimage: file={Firmware}/{Bios}, options=fastboot
        vgaromimage: file={Firmware}/{VgaBios}
        vga: update_freq=1
        ata0-master: type=disk, path={disk}, mode=flat, cylinders={cylinders}, heads=16, spt=63
        boot: disk
        com1: enabled=1, mode=file, dev={console}
        log: {log}
        sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
        speaker: enabled=0
        panic: action=fatal
        """;
}
