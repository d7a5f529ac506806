// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Net;
using KvmActors.Host.Node;
using KvmActors.Host.Rpc;
using Microsoft.Extensions.Logging.Abstractions;

namespace KvmActors.Benchmarks.Cluster;

/// <summary>Round trips of 64 bytes between two nodes' links, with one, sixteen and 256 under way.</summary>
internal static class LinkSpeed
{
    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(3);

    public static async Task MeasureAsync(Action<string, FormattableString> print)
    {
        RpcService service = new(1 << 20);
        service.AddMultiplexed(
            NodeLink.StreamPath, static (request, _, _) => ValueTask.FromResult(request), Console.Error.WriteLine);
        await using RpcListener listener = await RpcListener.StartAsync(
            RpcListenerOptions.Plain(new IPEndPoint(IPAddress.Loopback, 0)),
            service,
            NullLoggerFactory.Instance,
            CancellationToken.None);
        using NodeLink link = new(1 << 20, tls: null, NullLogger.Instance);
        string endpoint = listener.Address.ToString();
        _ = await RoundTripsAsync(link, endpoint, 16);
        foreach (int window in (int[])[1, 16, 256])
        {
            double speed = await RoundTripsAsync(link, endpoint, window);
            print($"round trips over a link, {window} under way", $"{speed / 1e3,10:f1} k/s");
        }
    }

    private static async Task<double> RoundTripsAsync(NodeLink link, string endpoint, int window)
    {
        byte[] request = new byte[64];
        long begun = Stopwatch.GetTimestamp();
        long[] counts = await Task.WhenAll(Enumerable.Range(0, window).Select(_ => Task.Run(async () =>
        {
            long count = 0;
            while (Stopwatch.GetElapsedTime(begun) < s_duration)
            {
                ReadOnlyMemory<byte> reply = await link.CallAsync(endpoint, request, CancellationToken.None);
                count += reply.Length == request.Length ? 1 : throw new InvalidOperationException("Another reply.");
            }

            return count;
        })));
        return counts.Sum() / Stopwatch.GetElapsedTime(begun).TotalSeconds;
    }
}
