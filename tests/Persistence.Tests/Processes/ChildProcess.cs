// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;
using KvmActors.Persistence.Sqlite;

namespace KvmActors.Persistence.Tests.Processes;

/// <summary>A process that runs <see cref="ChildProgram"/>. Killed when disposed.</summary>
internal sealed class ChildProcess : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;

    private ChildProcess(Process process) => _process = process;

    internal int Id => _process.Id;

    internal bool HasExited => _process.HasExited;

    /// <summary>Starts it and waits until it is ready.</summary>
    internal static async Task<ChildProcess> StartAsync(params string[] arguments)
    {
        string host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var start = new ProcessStartInfo(host, ["exec", typeof(ChildProgram).Assembly.Location, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        };
        var child = new ChildProcess(Process.Start(start)!);
        Assert.Equal(ChildProgram.Ready, await child.ReadLineAsync());
        return child;
    }

    /// <returns>Null once it is gone and everything it said was read.</returns>
    internal async Task<string?> ReadLineAsync() =>
        await _process.StandardOutput.ReadLineAsync().WaitAsync(s_patience);

    /// <summary>SIGKILL.</summary>
    internal async Task KillAsync()
    {
        _process.Kill();
        await WaitForExitAsync();
    }

    internal async Task WaitForExitAsync() => await _process.WaitForExitAsync().WaitAsync(s_patience);

    /// <summary>SIGSTOP. Returns when the process stands.</summary>
    internal async Task StopAsync()
    {
        using var kill = Process.Start("kill", ["-STOP", Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync().WaitAsync(s_patience);
        while (LockHolder.ReadProcess(Id)?.State != 'T')
        {
            await Task.Yield();
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
