// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Host.Control;
using KvmActors.Host.Demo;

namespace KvmActors.Benchmarks.Cluster;

/// <summary>The program as a node in a process of its own, on an SQLite file.</summary>
internal sealed class BenchmarkNode : IDisposable
{
    private readonly Process _process;

    private BenchmarkNode(string name, Process process, ControlClient control)
    {
        Name = name;
        _process = process;
        Control = control;
    }

    public string Name { get; }

    public ControlClient Control { get; }

    /// <summary>CPU time so far, of all its threads.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Writes the configuration of nodes that share one store.</summary>
    /// <returns>The file.</returns>
    public static string Configure(string folder, string settings, params string[] names)
    {
        string file = Path.Combine(folder, "nodes.conf");
        IEnumerable<string> nodes = names.Select(name =>
            $$"""{{name}}.node { link = "127.0.0.1:0", host-vendor = intel }""");
        File.WriteAllText(file, $$"""
            kvmactors {
              store.path = "{{Path.Combine(folder, "store.db")}}"
              flight.folder = "{{Path.Combine(folder, "flight")}}"
              {{settings}}
              nodes {
                {{string.Join(Environment.NewLine, nodes)}}
              }
            }
            """);
        return file;
    }

    public static async Task<BenchmarkNode> StartAsync(string config, string name)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "kvmactors.dll");
        Process process = Process.Start(new ProcessStartInfo(
            "dotnet",
            [program, "node", "run", "--config", config, "--node", name, "--until-input-ends", "--json"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        string line = await process.StandardOutput.ReadLineAsync()
            ?? throw new InvalidOperationException($"Expected {name} to come up, found that it ended.");
        return new BenchmarkNode(name, process, new ControlClient(ReadyLine.EndpointOf(line)));
    }

    /// <summary>SIGKILL.</summary>
    public void Kill() => _process.Kill();

    public void Dispose()
    {
        Control.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }
}
