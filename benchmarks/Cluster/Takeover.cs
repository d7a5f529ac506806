// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using Google.Protobuf;
using KvmActors.Benchmarks.Parts;
using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;
using KvmActors.Persistence.Postgres;
using KvmActors.Samples.Guests;

namespace KvmActors.Benchmarks.Cluster;

/// <summary>From SIGKILL of a node to what its guest does next on another one, as a client of that other node sees it
/// on the console.</summary>
internal static class Takeover
{
    /// <summary>Names the server; each life of a cluster gets a schema of its own in it, which stays.</summary>
    private const string PostgresVariable = "KVMACTORS_POSTGRES";

    private const int Deaths = 5;
    private const uint FilledBytes = 12 << 20;

    /// <summary>Where no file lock tells of a killed node, its lease has to run out.</summary>
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(3);

    public static Task MeasureAsync(string folder, Action<string, FormattableString> print) => MeasureAsync(
        folder, "SIGKILL to the guest's next output elsewhere, 64 MiB", _ => string.Empty, print);

    /// <summary>The same on a server: see <see cref="PostgresVariable"/>.</summary>
    public static async Task MeasureOnPostgresAsync(string folder, Action<string, FormattableString> print)
    {
        string what = $"the same on PostgreSQL, with a lease of {s_lease.TotalSeconds} s";
        if (Environment.GetEnvironmentVariable(PostgresVariable) is not { } text)
        {
            print(what, $"not measured: {PostgresVariable} names no server (postgres://USER@HOST/DATABASE)");
            return;
        }

        var server = PostgresAddress.Parse(text);
        string stamp = Guid.NewGuid().ToString("n")[..8];
        await MeasureAsync(folder, what, death => Settings(server, $"bench_{stamp}_{death}"), print);
    }

    private static string Settings(PostgresAddress server, string schema) => $$"""
        cluster { lease = {{s_lease.TotalMilliseconds}}ms, renew = {{s_lease.TotalMilliseconds / 4}}ms }
        store {
          kind = postgres
          postgres {
            host = "{{server.Host}}", port = {{server.Port}}, database = "{{server.Database}}"
            user = "{{server.User}}", schema = {{schema}}
          }
        }
        """;

    private static async Task MeasureAsync(
        string folder, string what, Func<int, string> settings, Action<string, FormattableString> print)
    {
        double[] times = new double[Deaths];
        for (int death = 0; death < Deaths; death++)
        {
            string own = Directory.CreateDirectory(Path.Combine(folder, $"{death}")).FullName;
            times[death] = await MeasureOnceAsync(
                BenchmarkNode.Configure(own, settings(death), "node-1", "node-2"));
        }

        print(what, $"{Median.Of(times),10:f0} ms; {times.Min():f0} to {times.Max():f0}");
    }

    private static async Task<double> MeasureOnceAsync(string config)
    {
        using BenchmarkNode first = await BenchmarkNode.StartAsync(config, "node-1");
        using BenchmarkNode second = await BenchmarkNode.StartAsync(config, "node-2");
        await CreateAsync(first, "web", DirtyGuest.Build(FilledBytes, ticksPerPage: 300), 64 << 20);
        IAsyncEnumerator<ConsoleChunk> console = second.Control
            .StreamAsync(
                ControlMethods.Console, new ConsoleRequest { Name = "web", Follow = true }, CancellationToken.None)
            .GetAsyncEnumerator();
        long begun = Stopwatch.GetTimestamp();
        ulong seen = 0;
        while (Stopwatch.GetElapsedTime(begun) < TimeSpan.FromSeconds(8))
        {
            seen = await NextAsync(console);
        }

        long killed = Stopwatch.GetTimestamp();
        first.Kill();
        while (true)
        {
            try
            {
                // What the dead node had released is still on its way for a moment; a rebuilt guest is behind that.
                ulong next = await NextAsync(console);
                if (next > seen && await OwnerAsync(second) == "node-2")
                {
                    return Stopwatch.GetElapsedTime(killed).TotalMilliseconds;
                }
            }
            catch (Host.Rpc.RpcException)
            {
                console = second.Control
                    .StreamAsync(
                        ControlMethods.Console,
                        new ConsoleRequest { Name = "web", Follow = true, FromOffset = seen },
                        CancellationToken.None)
                    .GetAsyncEnumerator();
            }
        }
    }

    public static async Task CreateAsync(BenchmarkNode node, string name, byte[] image, ulong memoryBytes)
    {
        _ = await node.Control.CallAsync(
            ControlMethods.CreateVm,
            new CreateVmRequest
            {
                Command = node.Control.NextCommand(),
                Name = name,
                Image = ByteString.CopyFrom(image),
                ImageName = "benchmark",
                MemoryBytes = memoryBytes,
            },
            CancellationToken.None);
        _ = await node.Control.CallAsync(
            ControlMethods.StartVm,
            new VmCommandRequest { Command = node.Control.NextCommand(), Name = name },
            CancellationToken.None);
    }

    private static async Task<ulong> NextAsync(IAsyncEnumerator<ConsoleChunk> console) =>
        await console.MoveNextAsync()
            ? console.Current.Offset + (ulong)console.Current.Data.Length
            : throw new InvalidOperationException("The console ended.");

    private static async Task<string> OwnerAsync(BenchmarkNode node)
    {
        VmStatus status = await node.Control.CallAsync(
            ControlMethods.ShowVm, new ShowVmRequest { Name = "web" }, CancellationToken.None);
        return status.Owner.Split('#')[0];
    }
}
