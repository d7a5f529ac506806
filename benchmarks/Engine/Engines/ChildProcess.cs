// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Runtime.InteropServices;

namespace KvmActors.Benchmarks.Engine.Engines;

// JUSTIFICATION: .NET has no call for the processor time of a process that has ended, to less than 10 ms.
// SAFETY: getrusage(2) fills the array that it is given, whose size is the structure's.

/// <summary>Programs of others.</summary>
internal static class ChildProcess
{
    private const int OfChildren = -1;

    /// <summary>struct rusage on 64-bit Linux: two times of two words, and 14 numbers.</summary>
    private const int RusageWords = 18;

    private const double Million = 1e6;
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    public static bool IsInstalled(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(':')
        .Any(folder => File.Exists(Path.Combine(folder, program)));

    /// <summary>Runs a program to its end. Not to be called by two threads at once: the children's time is one sum.
    /// </summary>
    /// <returns>Its processor time in seconds, user and system.</returns>
    /// <exception cref="InvalidOperationException">It hung and was killed, or ended otherwise.</exception>
    public static double Run(string program, IEnumerable<string> arguments, int exitCode)
    {
        double before = ChildSeconds();
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        };
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(s_limit))
        {
            process.Kill();
            process.WaitForExit();
            throw new InvalidOperationException($"{program} did not end within {s_limit.TotalSeconds} s.");
        }

        return process.ExitCode == exitCode
            ? ChildSeconds() - before
            : throw new InvalidOperationException(
                $"Expected {program} to end with code {exitCode}, found {process.ExitCode}: "
                + $"{error.Result} {output.Result}");
    }

    /// <returns>What it puts out, and then what it puts out as errors.</returns>
    public static string Output(string program, string argument)
    {
        ProcessStartInfo start = new(program, [argument])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output + error.Result;
    }

    private static double ChildSeconds()
    {
        long[] usage = new long[RusageWords];
        return getrusage(OfChildren, usage) == 0
            ? usage[0] + usage[2] + ((usage[1] + usage[3]) / Million)
            : throw new InvalidOperationException($"getrusage failed with errno {Marshal.GetLastPInvokeError()}.");
    }

#pragma warning disable SYSLIB1054 // LibraryImport needs unsafe code, which this project does without.
    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int getrusage(int who, [Out] long[] usage);
#pragma warning restore SYSLIB1054
}
