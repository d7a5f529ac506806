// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using Google.Protobuf;
using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;
using KvmActors.Samples.Guests;

namespace KvmActors.Benchmarks.Cluster;

/// <summary>From SIGKILL of a node to what its guest does next on another one, as a client of that other node sees it
/// on the console.</summary>
internal static class Takeover
{
    private const int Deaths = 5;
    private const uint FilledBytes = 12 << 20;

    public static async Task MeasureAsync(string folder, Action<string, FormattableString> print)
    {
        double[] times = new double[Deaths];
        for (int death = 0; death < Deaths; death++)
        {
            times[death] = await MeasureOnceAsync(Directory.CreateDirectory(Path.Combine(folder, $"{death}")).FullName);
        }

        print(
            "SIGKILL to the guest's next output elsewhere, 64 MiB",
            $"{Median.Of(times),10:f0} ms; {times.Min():f0} to {times.Max():f0}");
    }

    private static async Task<double> MeasureOnceAsync(string folder)
    {
        string config = BenchmarkNode.Configure(folder, string.Empty, "node-1", "node-2");
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
