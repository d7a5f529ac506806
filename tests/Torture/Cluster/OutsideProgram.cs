// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;

namespace KvmActors.Torture.Cluster;

/// <summary>A short run of a program of the machine: ip, iptables, mount.</summary>
internal static class OutsideProgram
{
    /// <returns>What it printed.</returns>
    /// <exception cref="InvalidOperationException">It failed, or is not there.</exception>
    public static string Run(string program, params string[] arguments)
    {
        (int exitCode, string text) = Try(program, arguments);
        return exitCode == 0
            ? text
            : throw new InvalidOperationException(
                $"Expected {program} {string.Join(' ', arguments)} to succeed, found exit code {exitCode}: {text}");
    }

    /// <returns>Exit code, 127 where there is no such program; and all that it printed.</returns>
    public static (int ExitCode, string Text) Try(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output + errors.Result);
        }
        catch (System.ComponentModel.Win32Exception fault)
        {
            return (127, fault.Message);
        }
    }
}
