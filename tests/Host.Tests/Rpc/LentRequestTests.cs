// SPDX-License-Identifier: Apache-2.0

using System.Collections.Concurrent;
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

    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);

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

    [Fact]
    public async Task A_request_that_the_server_does_not_take_is_let_go_without_the_call_s_token()
    {
        using RpcMessageContent content = new(new byte[10]);
        using StalledStream stalled = new();
        Task sending = content.CopyToAsync(stalled, CancellationToken.None);
        await stalled.Waits.WaitAsync(s_soon);

        await content.EndAsync().WaitAsync(s_soon);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.WaitAsync(s_soon));
        HttpRequestException late = await Assert.ThrowsAsync<HttpRequestException>(
            () => content.CopyToAsync(Stream.Null));
        Assert.IsType<ObjectDisposedException>(late.InnerException);
    }

    [Fact]
    public async Task A_cancel_that_races_the_end_of_the_request_leaves_the_buffer_alone_and_the_channel_whole()
    {
        const int Seed = 20261123;
        Random random = new(Seed);
        ConcurrentBag<string> mixed = [];
        int arrived = 0;
        await using RpcListener listener = await StartAsync(onRequest: request =>
        {
            Interlocked.Increment(ref arrived);
            if (request.Span.ContainsAnyExcept(request.Span[0]))
            {
                mixed.Add($"a request of {request.Length} bytes that begins with {request.Span[0]}");
            }
        });
        using RpcChannel channel = new(listener.Address.ToString(), BytesMax);
        byte[] buffer = new byte[BytesMax];
        int cancelled = 0;
        for (int call = 0; call < 300; call++)
        {
            buffer.AsSpan().Fill((byte)call);
            using CancellationTokenSource cancel = new();
            Task<ReadOnlyMemory<byte>> answer = channel.CallAsync(
                s_method, buffer.AsMemory(0, 1 + random.Next(1 << 20)), cancel.Token);
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(3)));
            await cancel.CancelAsync();
            Exception? fault = await Record.ExceptionAsync(() => answer.WaitAsync(s_soon));
            Assert.True(fault is null or OperationCanceledException, $"seed {Seed}, call {call}: {fault}");
            cancelled += fault is null ? 0 : 1;
        }

        ReadOnlyMemory<byte> last = await channel.CallAsync(s_method, new byte[] { 7, 7 }, CancellationToken.None);

        Assert.Equal([7, 7], last.ToArray());
        Assert.True(mixed.IsEmpty, $"seed {Seed}: {string.Join("; ", mixed)}");
        Assert.True(cancelled > 0 && arrived > 1, $"seed {Seed}: {cancelled} cancelled, {arrived} arrived");
    }

    private static Task<RpcListener> StartAsync(
        Func<CancellationToken, Task>? wait = null, Action<ReadOnlyMemory<byte>>? onRequest = null)
    {
        RpcService service = new(BytesMax);
        service.AddLent(s_method, async (request, _, stop) =>
        {
            onRequest?.Invoke(request);
            await (wait?.Invoke(stop) ?? Task.CompletedTask);
            return (ReadOnlyMemory<byte>)request.ToArray();
        });
        return RpcListener.StartAsync(
            RpcListenerOptions.Plain(new IPEndPoint(IPAddress.Loopback, 0)),
            service,
            NullLoggerFactory.Instance,
            CancellationToken.None);
    }

    /// <summary>A connection whose other end takes nothing.</summary>
    private sealed class StalledStream : Stream
    {
        private readonly TaskCompletionSource _waits = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Waits => _waits.Task;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _waits.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        public override void Flush() => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
