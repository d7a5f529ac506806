// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;

namespace KvmActors.Host.Tests.Debug;

/// <summary>One run of the real gdb in batch mode.</summary>
/// <param name="Output">All it printed, errors too, in order.</param>
internal sealed record GdbRun(int ExitCode, string Output)
{
    public static TimeSpan Patience { get; } = TimeSpan.FromMinutes(2);

    /// <param name="symbols">An ELF to read symbols from, or null.</param>
    /// <param name="commands">Executed behind <c>target remote</c>, in order. A command that fails ends none of those
    /// behind it.</param>
    public static async Task<GdbRun> OfAsync(int port, string? symbols, params string[] commands)
    {
        List<string> arguments = ["-nx", "-batch", "-ex", "set pagination off", "-ex", "set confirm off"];
        if (symbols is not null)
        {
            arguments.Add(symbols);
        }

        string remote = string.Create(CultureInfo.InvariantCulture, $"target remote 127.0.0.1:{port}");
        foreach (string command in (IEnumerable<string>)[remote, .. commands])
        {
            // gdb prints no prompt in batch mode: an echo shows which answer belongs to what.
            arguments.AddRange(["-ex", $"echo (gdb) {command}\\n", "-ex", command]);
        }

        // One pipe for both, so that what gdb prints as an error stays in its place.
        string[] shell = ["-c", "exec gdb \"$@\" 2>&1", "gdb"];
        using Process gdb = Process.Start(new ProcessStartInfo("sh", [.. shell, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        try
        {
            using var late = new CancellationTokenSource(Patience);
            gdb.StandardInput.Close();
            string output = await gdb.StandardOutput.ReadToEndAsync(late.Token);
            await gdb.WaitForExitAsync(late.Token);
            return new GdbRun(gdb.ExitCode, output);
        }
        finally
        {
            if (!gdb.HasExited)
            {
                gdb.Kill();
            }
        }
    }

    /// <summary>What gdb printed for the command, which it was given once.</summary>
    public string After(string command, int occurrence = 0)
    {
        string[] parts = Output.Split($"(gdb) {command}\n");
        Assert.True(parts.Length > occurrence + 1, $"Expected an answer to \"{command}\", found:\n{Output}");
        return parts[occurrence + 1].Split("(gdb) ")[0];
    }
}
