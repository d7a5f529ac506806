// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Cpu.Cpuid;
using KvmActors.Machine;
using KvmActors.Machine.Loaders;

namespace KvmActors.Host.Demo;

/// <summary>The guest alone in this process, on the first node's vendor throughout: what a moved guest must equal in
/// console, exit code and instruction count.</summary>
internal sealed record DemoReference(
    string ConsoleSha256, ulong ConsoleBytes, int ExitCode, ulong Instructions, double Mips)
{
    /// <summary>A guest that does not end cannot be compared.</summary>
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    /// <exception cref="CliFault">The image is none, or the guest did not end.</exception>
    public static DemoReference Run(DemoGuest guest, CpuidTable cpuid, DemoOptions options, CancellationToken stop)
    {
        using ConsoleLines console = new(static _ => { });
        var clock = Stopwatch.StartNew();
        SoloRunResult result = SoloRun.Run(
            new SoloRunOptions(
                DemoGuest.Spec, BootImageLoader.Load(guest.Image, DemoGuest.CommandLine), cpuid, options.Vendors[0]),
            bytes => console.Take(console.Offset, bytes.Span),
            () => stop.IsCancellationRequested || clock.Elapsed > s_limit);
        stop.ThrowIfCancellationRequested();
        return result.End is null
            ? throw new CliFault(
                $"Expected {guest.Name} to come to an end within {s_limit.TotalSeconds:0} s, found it still running "
                + "after "
                + $"{result.InstructionsRetired} instructions. Choose a shorter guest.")
            : new DemoReference(
                console.Sha256,
                console.Offset,
                result.ExitCode,
                result.InstructionsRetired,
                result.InstructionsRetired / clock.Elapsed.TotalSeconds / 1e6);
    }

    /// <summary>That the move comes before the kill, and both before the guest's end.</summary>
    /// <exception cref="CliFault">They do not.</exception>
    public void CheckOrder(DemoOptions options)
    {
        ulong migrate = options.MigrateAfter ?? Instructions / 4;
        ulong kill = options.KillAfter ?? Instructions / 3 * 2;
        if (migrate >= kill || kill >= Instructions)
        {
            throw new CliFault(
                $"Expected --migrate-after < --kill-after < {Instructions} (the guest's length in instructions), found "
                + $"{migrate} and {kill}. Choose others.",
                exitCode: CliFault.Usage);
        }
    }
}
