// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;
using KvmActors.Host.Tests.Cli;

namespace KvmActors.Host.Tests.Node;

/// <summary>The program as a process of its own.</summary>
internal sealed class NodeProcess : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly Task<string> _errors;

    public NodeProcess(params string[] arguments)
        : this([], arguments)
    {
    }

    /// <param name="before">A command that runs another one in its own place, without a process between.</param>
    public NodeProcess(string[] before, string[] arguments)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "kvmactors.dll");
        string[] all = [.. before, "dotnet", program, .. arguments];
        _process = Process.Start(new ProcessStartInfo(all[0], all[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _errors = _process.StandardError.ReadToEndAsync();
    }

    /// <summary>One run of the program, to its end.</summary>
    public static async Task<CliRun> RunAsync(params string[] arguments)
    {
        using NodeProcess process = new(arguments);
        string output = await process._process.StandardOutput.ReadToEndAsync().WaitAsync(s_patience);
        (int exitCode, string errors) = await process.EndAsync();
        return new CliRun(exitCode, output, errors);
    }

    public int Id => _process.Id;

    /// <summary>The line that a node prints when it has joined; null where it ended before.</summary>
    public async Task<string?> ReadyAsync() => await _process.StandardOutput.ReadLineAsync().WaitAsync(s_patience);

    /// <summary>All that it prints until it ends.</summary>
    public async Task<(string Output, int ExitCode, string Errors)> OutputAsync()
    {
        string output = await _process.StandardOutput.ReadToEndAsync().WaitAsync(3 * s_patience);
        (int exitCode, string errors) = await EndAsync();
        return (output, exitCode, errors);
    }

    public async Task<(int ExitCode, string Errors)> EndAsync()
    {
        using var late = new CancellationTokenSource(s_patience);
        await _process.WaitForExitAsync(late.Token);
        return (_process.ExitCode, await _errors);
    }

    /// <summary>Done when it has ended, however long that takes.</summary>
    public async Task<(int ExitCode, string Errors)> ExitAsync()
    {
        await _process.WaitForExitAsync();
        return (_process.ExitCode, await _errors);
    }

    /// <summary>SIGTERM.</summary>
    public void Terminate() => Signal("TERM");

    /// <summary>Any signal, by its name without SIG.</summary>
    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>SIGKILL.</summary>
    public void Kill() => _process.Kill();

    public void CloseInput() => _process.StandardInput.Close();

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
