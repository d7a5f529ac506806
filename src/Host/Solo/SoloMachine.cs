// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Security.Cryptography;
using KvmActors.Cpu;
using KvmActors.Host.Cli;
using KvmActors.Host.Configuration;
using KvmActors.Host.Solo.Lockstep;
using KvmActors.Machine;
using KvmActors.Machine.Loaders;

namespace KvmActors.Host.Solo;

/// <summary>What <c>run</c> does.</summary>
internal static class SoloMachine
{
    /// <returns>The exit code, as <c>run --help</c> lists them.</returns>
    /// <exception cref="CliFault">The image, the CPUID or the spec cannot be used; its exit code is that of wrong
    /// usage, because 1 is a guest's.</exception>
    public static int Run(SoloMachineOptions options, CliTerminal terminal, CancellationToken stop)
    {
        (byte[] file, SoloRunOptions run) = Prepare(options);
        using FileStream? serial = OpenSerial(options.SerialFile);
        using SoloConsole console = new(serial ?? (options.IsJson ? null : terminal.Output));
        if (EngineSource.NoteOf(options.Engine, Vcpu.TranslatorRefusal) is { } note)
        {
            terminal.Error.WriteLine($"kvmactors: {note}");
        }

        var clock = Stopwatch.StartNew();
        TimeSpan cpuBefore = Environment.CpuUsage.TotalTime;
        bool isTimedOut = false;
        bool IsCancelled()
        {
            isTimedOut = options.Timeout is { } timeout && clock.Elapsed >= timeout;
            return isTimedOut || stop.IsCancellationRequested || console.Fault is not null;
        }

        LockstepResult? lockstep = null;
        SoloRunResult result = Translated(options.Image, () => options.IsLockstep
            ? (lockstep = LockstepRun.Run(run, console.Write, IsCancelled, options.LockstepTwin)).Run
            : SoloRun.Run(run, console.Write, IsCancelled));
        clock.Stop();
        TimeSpan cpu = Environment.CpuUsage.TotalTime - cpuBefore;
        SoloStatistics? Statistics(EngineStatistics? engine) => options.ShowsStatistics && engine is not null
            ? SoloStatistics.Of(engine, clock.Elapsed, cpu)
            : null;
        SoloStatistics? statistics = Statistics(lockstep?.Twin ?? result.Statistics);
        SoloStatistics? interpreter = Statistics(lockstep?.Run.Statistics);

        if (console.Fault is { } fault)
        {
            throw new CliFault($"The guest's console could not be written: {fault.Message}", fault, CliFault.Usage);
        }

        LockstepDifference? difference = lockstep?.Difference;
        string stopped = difference is null ? WordOf(result.Stop, isTimedOut) : "different";
        if (options.IsJson)
        {
            SoloReport report = Report(options, run, file, result, console, stopped, clock.Elapsed);
            CliJson.Write(
                terminal.Out,
                report with { Stats = statistics, InterpreterStats = interpreter, Difference = difference });
        }
        else if (statistics is not null)
        {
            SoloStatisticsText.Write(terminal.Error, statistics, interpreter);
        }

        difference?.Write(terminal.Error);
        if (difference is null && Complaint(result, stopped, options) is { } complaint)
        {
            terminal.Error.WriteLine($"kvmactors: {complaint}");
        }

        return ExitCodeOf(result, stopped);
    }

    private static int ExitCodeOf(SoloRunResult result, string stopped) => stopped switch
    {
        "interrupted" => FaultText.Interrupted,
        "different" => LockstepRun.ExitCode,
        _ => result.ExitCode,
    };

    private static (byte[] File, SoloRunOptions Run) Prepare(SoloMachineOptions options) =>
        Translated(options.Image, () =>
        {
            EngineSource.Check(options.Engine);
            MachineSpecRules.Check(options.Spec);
            byte[] file = GuestImageFile.Read(options.Image);
            string commandLine = GuestImageFile.CommandLine(options.Image, options.Append);
            return (file, new SoloRunOptions(
                options.Spec,
                BootImageLoader.Load(
                    file,
                    commandLine,
                    options.Initrd is { } initrd ? GuestImageFile.Read(initrd) : default,
                    options.BootProtocol),
                CpuidSource.Read(CpuidSource.FileOf(options.CpuidFile), options.Spec.CpuidDialect),
                options.HostVendor ?? CpuidSource.VendorOfHost(),
                options.InstructionsMax,
                VendorChanges: [])
            {
                Engine = new EngineOptions
                {
                    Choice = options.Engine,
                    Clock = options.ShowsStatistics ? Stopwatch.GetTimestamp : null,
                },
            });
        });

    /// <summary>What a user can put right ends as wrong usage, because the exit code 1 is a guest's.</summary>
    private static T Translated<T>(string image, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (BootImageException fault)
        {
            throw new CliFault($"{image}: {fault.Message}", fault, CliFault.Usage);
        }
        catch (ArgumentException fault)
        {
            throw new CliFault(FaultSentence.Of(fault), fault, CliFault.Usage);
        }
        catch (CliFault fault)
        {
            throw new CliFault(fault.Message, fault, CliFault.Usage);
        }
    }

    private static FileStream? OpenSerial(string? path)
    {
        try
        {
            return path is null ? null : new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CliFault(
                $"Expected to write the serial port to {path}: {fault.Message} Name another file with --serial.",
                fault,
                CliFault.Usage);
        }
    }

    private static SoloReport Report(
        SoloMachineOptions options,
        SoloRunOptions run,
        byte[] file,
        SoloRunResult result,
        SoloConsole console,
        string stopped,
        TimeSpan elapsed) => new(
            options.Image,
            Convert.ToHexStringLower(SHA256.HashData(file)),
            ConfigurationWords.Of(run.HostVendor),
            run.Spec.MemoryBytes,
            stopped,
            result.End?.Describe(),
            ExitCodeOf(result, stopped),
            result.InstructionsRetired,
            result.VmTime,
            result.ConsoleBytes,
            console.Sha256,
            console.Text,
            [.. result.Patches.Select(PatchReport.Of)],
            result.StateHash.ToString(),
            result.MemorySum.ToString(),
            Math.Round(elapsed.TotalMilliseconds, 3));

    private static string WordOf(SoloRunStop stop, bool isTimedOut) => stop switch
    {
        SoloRunStop.Ended => "ended",
        SoloRunStop.LimitReached => "limitReached",
        SoloRunStop.Cancelled => isTimedOut ? "timedOut" : "interrupted",
    };

    /// <summary>What a person must be told: nothing where the guest ended itself.</summary>
    private static string? Complaint(SoloRunResult result, string stopped, SoloMachineOptions options)
    {
        string after = $"after {CountText.Of(result.InstructionsRetired, "instruction")}";
        return (stopped, result.End) switch
        {
            ("timedOut", _) => $"The guest did not end within {options.Timeout:c}; it was stopped {after}.",
            ("interrupted", _) => $"Interrupted {after}.",
            ("limitReached", _) => $"The guest did not end within --max-instructions; it was stopped {after}.",
            (_, MachineEnd.TripleFault or MachineEnd.EmulationFailure) => result.End!.Describe(),
            _ => null,
        };
    }
}
