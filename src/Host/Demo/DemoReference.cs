// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Diagnostics;
using KvmActors.Cpu.Cpuid;
using KvmActors.Machine;
using KvmActors.Machine.Loaders;

namespace KvmActors.Host.Demo;

/// <summary>The guest alone in this process, on the first node's vendor throughout, with its key at the same VM time:
/// what a moved guest must equal in console, exit code and instruction count.</summary>
internal sealed record DemoReference(
    string ConsoleSha256, ulong ConsoleBytes, int ExitCode, ulong Instructions, double Mips)
{
    /// <summary>A guest that does not end cannot be compared.</summary>
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    /// <summary>Of the story guest, which ends once it has its key, with the interpreter too.</summary>
    private static readonly TimeSpan s_gatedLimit = TimeSpan.FromMinutes(10);

    /// <param name="inputs">What the guest's console got, and when.</param>
    /// <exception cref="CliFault">The image is none, or the guest did not end.</exception>
    public static DemoReference Run(
        DemoGuest guest,
        CpuidTable cpuid,
        DemoOptions options,
        ImmutableArray<SoloInput> inputs,
        CancellationToken stop)
    {
        TimeSpan limit = guest.HasGate ? s_gatedLimit : s_limit;
        using ConsoleLines console = new(static _ => { });
        var clock = Stopwatch.StartNew();
        SoloRunResult result = SoloRun.Run(
            new SoloRunOptions(
                DemoGuest.Spec, BootImageLoader.Load(guest.Image, DemoGuest.CommandLine), cpuid, options.Vendors[0])
            {
                Inputs = inputs,
            },
            bytes => console.Take(console.Offset, bytes.Span),
            () => stop.IsCancellationRequested || clock.Elapsed > limit);
        stop.ThrowIfCancellationRequested();
        return result.End is null
            ? throw new CliFault(
                $"Expected {guest.Name} to come to an end within {limit.TotalSeconds:0} s, found it still running "
                + "after "
                + $"{result.InstructionsRetired} instructions. Choose a shorter guest.")
            : new DemoReference(
                console.Sha256,
                console.Offset,
                result.ExitCode,
                result.InstructionsRetired,
                result.InstructionsRetired / clock.Elapsed.TotalSeconds / 1e6);
    }
}
