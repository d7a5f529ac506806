// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Cpu.Hypercalls;

namespace KvmActors.Host.Demo;

/// <summary>One node as a process of its own, started from this program's own file.</summary>
/// <remarks>The node's standard input is a pipe from here: if the demo itself is killed, the pipe closes and the node
/// stops, so that no process stays behind.</remarks>
internal sealed class DemoNode : IDisposable
{
    private readonly Process _process;
    private readonly StreamWriter _log;

    private DemoNode(string name, HostVendor vendor, string cpuidSource, Process process, StreamWriter log)
    {
        Name = name;
        Vendor = vendor;
        CpuidSource = cpuidSource;
        _process = process;
        _log = log;
    }

    public string Name { get; }

    public HostVendor Vendor { get; }

    /// <summary>For the narration: where the node's CPUID comes from.</summary>
    public string CpuidSource { get; }

    public int Pid => _process.Id;

    /// <summary>HOST:PORT of its link, once <see cref="WaitUntilReadyAsync"/> is through.</summary>
    public string Endpoint { get; private set; } = "";

    public bool IsAlive => !_process.HasExited;

    public static DemoNode Start(string name, HostVendor vendor, string cpuidSource, string config, string logFile)
    {
        (string file, IEnumerable<string> prefix) = OwnProgram();
        ProcessStartInfo start = new(file)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in prefix.Concat(
            ["node", "run", "--config", config, "--node", name, "--until-input-ends", "--json"]))
        {
            start.ArgumentList.Add(argument);
        }

        StreamWriter log = new(logFile) { AutoFlush = true };
        Process process = Process.Start(start)
            ?? throw new CliFault($"Expected to start {file} as {name}, but no process came of it.");
        DemoNode node = new(name, vendor, cpuidSource, process, log);
        process.ErrorDataReceived += (_, line) => node.Log(line.Data);
        process.BeginErrorReadLine();
        return node;
    }

    /// <summary>How this very program is started: its own executable, or the dotnet host and its assembly.</summary>
    public static (string File, IEnumerable<string> Prefix) OwnProgram()
    {
        string own = Environment.ProcessPath ?? "dotnet";
        return Path.GetFileNameWithoutExtension(own) == "dotnet"
            ? (own, [Path.Combine(AppContext.BaseDirectory, "kvmactors.dll")])
            : (own, []);
    }

    /// <summary>Waits for the line with which a node says that it listens.</summary>
    /// <exception cref="CliFault">It ended instead, or did not come up in time.</exception>
    public async Task WaitUntilReadyAsync(TimeSpan limit, CancellationToken stop)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(stop);
        timeout.CancelAfter(limit);
        string? line;
        try
        {
            line = await _process.StandardOutput.ReadLineAsync(timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new CliFault($"Expected {Name} to come up within {limit.TotalSeconds:0} s, but it did not.");
        }

        Endpoint = line is null ? "" : ReadyLine.EndpointOf(line);
        if (Endpoint.Length == 0)
        {
            throw new CliFault(
                $"Expected {Name} to say where it listens, found \"{line ?? "its end"}\". Its log tells why.");
        }
    }

    /// <summary>SIGKILL: nothing of the process runs after it.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Asks for an orderly end by closing the node's standard input.</summary>
    public async Task StopAsync(TimeSpan limit)
    {
        if (_process.HasExited)
        {
            return;
        }

        _process.StandardInput.Close();
        using CancellationTokenSource timeout = new(limit);
        try
        {
            await _process.WaitForExitAsync(timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
        lock (_log)
        {
            _log.Dispose();
        }
    }

    private void Log(string? line)
    {
        lock (_log)
        {
            if (line is not null && _log.BaseStream.CanWrite)
            {
                _log.WriteLine(line);
            }
        }
    }
}
