// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Net;
using KvmActors.Host.Node;
using KvmActors.Host.Rpc;
using Microsoft.Extensions.Logging.Abstractions;

namespace KvmActors.Benchmarks.Cluster;

/// <summary>Round trips of 64 bytes between two nodes' links, with one, sixteen and 256 under way, and of 1 MiB, as the
/// pages of a move, with four.</summary>
internal static class LinkSpeed
{
    private const int MessageBytesMax = 2 << 20;
    private const int PagesBytes = 1 << 20;

    private static readonly byte[] s_answer = new byte[64];
    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(3);

    public static async Task MeasureAsync(Action<string, FormattableString> print)
    {
        RpcService service = new(MessageBytesMax);
        service.AddLent(NodeLink.Method, static (_, _, _) => ValueTask.FromResult<ReadOnlyMemory<byte>>(s_answer));
        service.AddMultiplexed(
            NodeLink.StreamPath, static (request, _, _) => ValueTask.FromResult(request), Console.Error.WriteLine);
        await using RpcListener listener = await RpcListener.StartAsync(
            RpcListenerOptions.Plain(new IPEndPoint(IPAddress.Loopback, 0)),
            service,
            NullLoggerFactory.Instance,
            CancellationToken.None);
        using NodeLink link = new(MessageBytesMax, tls: null, NullLogger.Instance);
        string endpoint = listener.Address.ToString();
        _ = await RoundTripsAsync(link, endpoint, 16);
        foreach (int window in (int[])[1, 16, 256])
        {
            double speed = await RoundTripsAsync(link, endpoint, window);
            print($"round trips over a link, {window} under way", $"{speed / 1e3,10:f1} k/s");
        }

        _ = await SendAsync(link, endpoint);
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        double sent = await SendAsync(link, endpoint);
        cpu = Environment.CpuUsage.TotalTime - cpu;
        print(
            "requests of 1 MiB, 4 under way",
            $"{sent / s_duration.TotalSeconds / 1e6,10:f0} MB/s, {cpu.TotalSeconds / sent * 1e9:f2} s of CPU a GB");
    }

    /// <returns>Bytes.</returns>
    private static async Task<double> SendAsync(NodeLink link, string endpoint)
    {
        byte[] request = new byte[PagesBytes];
        long begun = Stopwatch.GetTimestamp();
        long[] counts = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            long count = 0;
            for (; Stopwatch.GetElapsedTime(begun) < s_duration; count++)
            {
                ReadOnlyMemory<byte> reply = await link.CallAsync(endpoint, request, CancellationToken.None);
                if (reply.Length != s_answer.Length)
                {
                    throw new InvalidOperationException("Another reply.");
                }
            }

            return count;
        })));
        return (double)counts.Sum() * PagesBytes;
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
