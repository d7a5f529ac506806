// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Benchmarks.Engine.Guests;

namespace KvmActors.Benchmarks.Engine.Engines;

/// <summary>A process of QEMU without KVM, on one thread for its vCPUs.</summary>
/// <param name="folder">For the image and the console.</param>
/// <param name="more">Further arguments.</param>
internal sealed class QemuEngine(string name, string folder, params string[] more) : IGuestEngine
{
    public const string Program = "qemu-system-x86_64";

    /// <summary>The process's exit code is that of isa-debug-exit.</summary>
    private const int ExitCode = (GuestImage.ExitValue << 1) | 1;

    public string Name => name;

    public bool Interprets => false;

    public GuestRun Run(byte[] image)
    {
        string kernel = Path.Combine(folder, "guest.bin");
        string console = Path.Combine(folder, "qemu.console");
        File.WriteAllBytes(kernel, image);
        File.Delete(console);
        double seconds = ChildProcess.Run(
            Program, [.. Arguments(kernel, $"file:{console}"), .. more], ExitCode);
        return new GuestRun(File.ReadAllText(console), seconds, Instructions: 0);
    }

    /// <param name="kernel">File of the image.</param>
    /// <param name="serial">Where COM1 goes, in QEMU's words.</param>
    public static IEnumerable<string> Arguments(string kernel, string serial) =>
    [
        "-accel", "tcg,thread=single", "-cpu", "qemu64",
        "-m", (GuestLayout.MemoryBytes >> 20).ToString(CultureInfo.InvariantCulture),
        "-display", "none", "-monitor", "none", "-net", "none", "-no-reboot", "-serial", serial,
        "-device", $"isa-debug-exit,iobase={GuestImage.ExitPort},iosize=4", "-kernel", kernel,
    ];
}
