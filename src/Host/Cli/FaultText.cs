// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Host.Rpc;
using KvmActors.Machine.Loaders;
using KvmActors.Persistence;

namespace KvmActors.Host.Cli;

/// <summary>One clear line for each thing that can go wrong.</summary>
internal static class FaultText
{
    /// <summary>Set to 1, it makes the program print the stack trace too.</summary>
    public const string DebugVariable = "KVMACTORS_DEBUG";

    /// <summary>As a shell reports a program that SIGINT ended.</summary>
    public const int Interrupted = 130;

    /// <returns>The exit code.</returns>
    public static int Report(Exception fault, CliTerminal terminal)
    {
        if (fault is OperationCanceledException)
        {
            return Interrupted;
        }

        terminal.Error.WriteLine($"kvmactors: {Describe(fault)}");
        if (Environment.GetEnvironmentVariable(DebugVariable) == "1")
        {
            terminal.Error.WriteLine(fault);
        }

        return fault is CliFault known ? known.ExitCode : CliFault.Refused;
    }

    private static string Describe(Exception fault) => fault switch
    {
        CliFault or BootImageException or CpuidFormatException or StoreOpenException or StoreCorruptException
            or StoreUnavailableException or JournalFormatException or RpcException => fault.Message,
        _ => $"Something went wrong that should not: {fault.GetType().Name}: {FirstLine(fault.Message)} "
            + $"Set {DebugVariable}=1 to see where, and report it.",
    };

    private static string FirstLine(string text) => text.Split('\n')[0].TrimEnd();
}
