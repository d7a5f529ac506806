// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Runtime.InteropServices;
using KvmActors.Benchmarks.Engine.Guests;
using KvmActors.Cpu;

namespace KvmActors.Benchmarks.Engine.Engines;

/// <summary>The other emulators of this machine.</summary>
internal static class Peers
{
    public static bool HasQemu { get; } = ChildProcess.IsInstalled(QemuEngine.Program);

    /// <param name="folder">For their files.</param>
    public static IEnumerable<IGuestEngine> Installed(string folder)
    {
        if (HasQemu)
        {
            yield return new QemuEngine(Report.Qemu, folder);

            // A tick of its clock is an instruction and a nanosecond, as here.
            yield return new QemuEngine(Report.QemuCounting, folder, "-icount", "shift=0");
        }

        if (BochsEngine.IsInstalled)
        {
            yield return new BochsEngine(folder);
        }
    }

    /// <returns>What the figures depend on, a line each.</returns>
    public static IEnumerable<string> DescribeHost(BenchmarkOptions options)
    {
        const string Cpus = "/proc/cpuinfo";
        const string Model = "model name";
        string model = File.Exists(Cpus)
            ? File.ReadLines(Cpus).FirstOrDefault(line => line.StartsWith(Model, StringComparison.Ordinal)) ?? ""
            : "";
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC, {model.Split(':')[^1].Trim()}, {Environment.ProcessorCount} "
            + $"processors, {RuntimeInformation.FrameworkDescription}; median of {options.Rounds}; seed of the random "
            + $"code {LargeCode.Seed}.");
        if (options.WithPeers)
        {
            yield return HasQemu
                ? ChildProcess.Output(QemuEngine.Program, "--version").Split('\n')[0]
                : "QEMU is not installed.";
            yield return BochsEngine.IsInstalled ? BochsEngine.Describe() : "Bochs is not installed.";
        }

        if (Vcpu.TranslatorRefusal is { } refusal)
        {
            yield return $"The interpreter runs alone: {refusal}.";
        }
    }
}
