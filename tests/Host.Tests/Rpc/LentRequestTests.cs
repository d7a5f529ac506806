// SPDX-License-Identifier: Apache-2.0

using System.Net;
using KvmActors.Host.Rpc;
using Microsoft.Extensions.Logging.Abstractions;

namespace KvmActors.Host.Tests.Rpc;

/// <summary>Requests in buffers that are used again, on both sides.</summary>
public sealed class LentRequestTests
{
    private const int BytesMax = 3 << 20;

    private static readonly RpcMethod<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>> s_method =
        new("test.Lent", "Echo", RpcCodec.Opaque, RpcCodec.Opaque);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Requests_of_any_size_arrive_as_they_were_sent_beside_others(int seed)
    {
        await using RpcListener listener = await StartAsync();
        using RpcChannel channel = new(listener.Address.ToString(), BytesMax);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(async caller =>
        {
            Random random = new((seed * 10) + caller);
            byte[] buffer = new byte[BytesMax];
            int[] sizes = [0, 1, (256 << 10) - 1, 256 << 10, (1 << 20) + 5, random.Next(BytesMax), BytesMax];
            foreach (int size in sizes)
            {
                buffer.AsSpan(0, size).Fill((byte)random.Next(256));
                byte[] sent = buffer[..size];

                ReadOnlyMemory<byte> echoed = await channel.CallAsync(
                    s_method, buffer.AsMemory(0, size), CancellationToken.None);
                buffer.AsSpan().Clear();

                Assert.True(echoed.Span.SequenceEqual(sent), $"seed {seed}, caller {caller}, {size} bytes");
            }
        }));
    }

    [Fact]
    public async Task A_request_that_is_too_large_is_not_sent()
    {
        await using RpcListener listener = await StartAsync();
        using RpcChannel channel = new(listener.Address.ToString(), BytesMax);

        RpcException fault = await Assert.ThrowsAsync<RpcException>(() => channel.CallAsync(
            s_method, new byte[BytesMax + 1], CancellationToken.None));

        Assert.Equal(RpcStatus.ResourceExhausted, fault.Status);
    }

    [Fact]
    public async Task A_call_that_is_cancelled_has_let_its_request_go_when_it_ends()
    {
        TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using RpcListener listener = await StartAsync(async stop =>
        {
            arrived.SetResult();
            await Task.Delay(Timeout.Infinite, stop);
        });
        using RpcChannel channel = new(listener.Address.ToString(), BytesMax);
        using CancellationTokenSource cancel = new();
        Task<ReadOnlyMemory<byte>> call = channel.CallAsync(s_method, new byte[BytesMax], cancel.Token);
        await arrived.Task;

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    private static Task<RpcListener> StartAsync(Func<CancellationToken, Task>? wait = null)
    {
        RpcService service = new(BytesMax);
        service.AddLent(s_method, async (request, _, stop) =>
        {
            await (wait?.Invoke(stop) ?? Task.CompletedTask);
            return (ReadOnlyMemory<byte>)request.ToArray();
        });
        return RpcListener.StartAsync(
            RpcListenerOptions.Plain(new IPEndPoint(IPAddress.Loopback, 0)),
            service,
            NullLoggerFactory.Instance,
            CancellationToken.None);
    }
}
