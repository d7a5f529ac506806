// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Host.Rpc;
using KvmActors.Machine.Loaders;
using KvmActors.Persistence;
using KvmActors.Persistence.Files;

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

        terminal.Error.WriteLine($"kvmactors: {Visible(Describe(fault))}");
        if (IsDebugging)
        {
            terminal.Error.WriteLine(fault);
        }

        return fault is CliFault known ? known.ExitCode : CliFault.Refused;
    }

    /// <summary>With control characters as \\xNN: a message quotes what was found in a file, and a terminal would obey.
    /// </summary>
    internal static string Visible(string text) => string.Concat(
        text.Select(c => char.IsControl(c) && c is not '\n' and not '\t' ? $"\\x{(int)c:x2}" : $"{c}"));

    /// <summary>What a log line about a fault ends with.</summary>
    public static string Trailer(Exception? fault) => fault switch
    {
        null => "",
        _ when IsDebugging => $"\n    {fault.ToString().ReplaceLineEndings("\n    ")}",
        _ => $": {fault.GetType().Name}: {FirstLine(fault.Message)} ({DebugVariable}=1 shows where)",
    };

    private static bool IsDebugging => Environment.GetEnvironmentVariable(DebugVariable) == "1";

    private static string Describe(Exception fault) => fault switch
    {
        CliFault or BootImageException or CpuidFormatException or StoreOpenException or StoreCorruptException
            or StoreUnavailableException or JournalFormatException or SavedVmException or RpcException => fault.Message,
        _ => $"Something went wrong that should not: {fault.GetType().Name}: {FirstLine(fault.Message)} "
            + $"Set {DebugVariable}=1 to see where, and report it.",
    };

    private static string FirstLine(string text) => text.Split('\n')[0].TrimEnd();
}
