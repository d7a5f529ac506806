// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Control;
using KvmActors.Host.Demo;
using KvmActors.Host.Tests.Node;
using KvmActors.Persistence.Postgres;
using KvmActors.Persistence.Tests.Postgres;

namespace KvmActors.Host.Tests.Deaths;

/// <summary>Two nodes, each a process of its own, one Intel's and one AMD's, on one store; any of them can be killed
/// at any time, and comes back under its name.</summary>
internal sealed class KilledCluster : IAsyncDisposable
{
    /// <summary>Between two looks at what is waited for: the nodes need the CPU.</summary>
    public static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(10);

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly string[] s_names = ["node-1", "node-2"];

    private readonly string _config;
    private readonly Dictionary<string, Task<NodeLife>> _nodes = [];
    private readonly List<NodeLife> _dead = [];

    private KilledCluster(string config, string store)
    {
        _config = config;
        Store = store;
    }

    /// <summary>The store's file, or its address.</summary>
    public string Store { get; }

    /// <summary>One life of a node.</summary>
    internal sealed record NodeLife(string Name, NodeProcess Process, ControlClient Control) : IDisposable
    {
        public void Dispose()
        {
            Control.Dispose();
            Process.Dispose();
        }
    }

    /// <summary>On an SQLite file.</summary>
    /// <param name="settings">More HOCON for both nodes.</param>
    public static Task<KilledCluster> StartAsync(string folder, string settings)
    {
        string store = Path.Combine(folder, "store.db");
        return StartAsync(folder, store, $"store.path = \"{store}\"", settings);
    }

    /// <summary>On a PostgreSQL server, where only its lease tells that a node is dead.</summary>
    public static Task<KilledCluster> StartAsync(string folder, PrivatePostgres server, string settings) => StartAsync(
        folder,
        server.Text(PostgresAddress.DefaultSchema),
        $$"""
            store.kind = postgres
            store.postgres {
              host = "127.0.0.1", port = {{server.Port}}, database = postgres, password-file = "{{server.PasswordFile}}"
            }
            cluster { lease = 2s, renew = 500ms, grace = 200ms }
        """,
        settings);

    private static async Task<KilledCluster> StartAsync(
        string folder, string store, string storeSettings, string settings)
    {
        string config = Path.Combine(folder, "nodes.conf");
        await File.WriteAllTextAsync(config, $$"""
            kvmactors {
              {{storeSettings}}
              {{settings}}
              node.rehearsal = off
              nodes {
                node-1.node { link = "127.0.0.1:0", host-vendor = intel, cpuid-source = "file {{Dump("intel")}}" }
                node-2.node { link = "127.0.0.1:0", host-vendor = amd, cpuid-source = "file {{Dump("amd")}}" }
              }
            }
            """);
        KilledCluster cluster = new(config, store);
        foreach (string name in s_names)
        {
            cluster._nodes[name] = cluster.BeginAsync(name);
        }

        await Task.WhenAll(cluster._nodes.Values);
        return cluster;
    }

    /// <summary>A node that was alive a moment ago: the first for even numbers, the second for odd ones.</summary>
    public Task<NodeLife> NodeAsync(int number)
    {
        lock (_nodes)
        {
            return _nodes[s_names[number % s_names.Length]];
        }
    }

    /// <summary>SIGKILL to each; then the next processes of those names are started.</summary>
    /// <param name="turn">Given back behind the kills.</param>
    public async Task KillAsync(string[] names, FileStream? turn)
    {
        NodeLife[] lives = await Task.WhenAll(names.Select(name => _nodes[name]));
        foreach (NodeLife life in lives)
        {
            life.Process.Kill();
        }

        foreach (NodeLife life in lives)
        {
            await life.Process.EndAsync();
            _dead.Add(life);
        }

        turn?.Dispose();
        lock (_nodes)
        {
            foreach (NodeLife life in lives)
            {
                _nodes[life.Name] = BeginAsync(life.Name);
            }
        }
    }

    /// <summary>Takes the turn to write (docs/journal-format.md), so that no node can commit until it is given back.
    /// </summary>
    public async Task<FileStream> HoldWriterLockAsync()
    {
        long begun = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                // Without sharing, .NET takes the flock that the nodes take.
                return new FileStream(
                    Store + ".writer", FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (TimeProvider.System.GetElapsedTime(begun) < s_patience)
            {
                await Task.Yield();
            }
        }
    }

    public static string OtherThan(string name) => s_names.Single(other => other != name);

    /// <summary>SIGTERM to both.</summary>
    public async Task StopAsync()
    {
        foreach (string name in s_names)
        {
            NodeLife life = await _nodes[name];
            life.Process.Terminate();
            Assert.Equal(0, (await life.Process.EndAsync()).ExitCode);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (NodeLife life in _dead)
        {
            life.Dispose();
        }

        foreach (Task<NodeLife> life in _nodes.Values)
        {
            // One that did not come up has said so to whoever waited for it.
            await Task.WhenAny(life);
            if (life.IsCompletedSuccessfully)
            {
                (await life).Dispose();
            }
        }
    }

    private async Task<NodeLife> BeginAsync(string name)
    {
        NodeProcess process = new("node", "run", "--config", _config, "--node", name, "--until-input-ends", "--json");
        string? line = await process.ReadyAsync();
        if (line is null)
        {
            (int exitCode, string errors) = await process.EndAsync();
            process.Dispose();
            throw new InvalidOperationException($"Expected {name} to come up, found exit code {exitCode}: {errors}");
        }

        return new NodeLife(name, process, new ControlClient(ReadyLine.EndpointOf(line)));
    }

    private static string Dump(string vendor) => Repository.File(
        vendor == "intel" ? "samples/cpuid/intel-xeon-platinum-9242.txt" : "samples/cpuid/amd-epyc-9334.txt");
}
