// SPDX-License-Identifier: Apache-2.0

using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using KvmActors.Host.Rpc;
using KvmActors.Host.Rpc.Multiplex;
using Microsoft.Extensions.Logging.Abstractions;

namespace KvmActors.Host.Tests.Rpc;

/// <summary>Many calls over one stream, client against server over a real connection.</summary>
public sealed class MultiplexTests : IAsyncLifetime, IDisposable
{
    private const int MessageBytesMax = 1 << 20;
    private const string Path = "/test.Test/Stream";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly TaskCompletionSource _mayAnswer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentQueue<Exception> _faults = new();
    private RpcListener _listener = null!;
    private RpcChannel _channel = null!;
    private MultiplexClient _client = null!;

    public async Task InitializeAsync()
    {
        RpcService service = new RpcService(MessageBytesMax).AddMultiplexed(Path, AnswerAsync, _faults.Enqueue);
        _listener = await RpcListener.StartAsync(
            RpcListenerOptions.Plain(new IPEndPoint(IPAddress.Loopback, 0)),
            service,
            NullLoggerFactory.Instance,
            CancellationToken.None);
        _channel = new RpcChannel(_listener.Address.ToString(), MessageBytesMax);
        _client = _channel.OpenMultiplexed(Path);
    }

    public async Task DisposeAsync() => await _listener.DisposeAsync();

    public void Dispose()
    {
        _client.Dispose();
        _channel.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(70_000)]
    [InlineData(MessageBytesMax - 9)]
    public async Task A_message_of_any_size_comes_back(int length)
    {
        byte[] request = [.. Enumerable.Range(0, length).Select(index => (byte)(index * 7))];

        ReadOnlyMemory<byte> reply = await CallAsync(request);

        Assert.Equal(request, reply.ToArray());
    }

    [Fact]
    public async Task Thousands_of_calls_at_once_each_get_their_own_answer()
    {
        byte[][] requests = [.. Enumerable.Range(0, 20_000).Select(number => BitConverter.GetBytes(number))];

        ReadOnlyMemory<byte>[] replies = await Task.WhenAll(requests.Select(request => CallAsync(request)));

        Assert.Equal(requests, replies.Select(reply => reply.ToArray()));
    }

    [Fact]
    public async Task A_call_that_waits_keeps_no_other_waiting()
    {
        Task<ReadOnlyMemory<byte>> slow = CallAsync("wait"u8.ToArray());

        Assert.Equal("quick"u8.ToArray(), (await CallAsync("quick"u8.ToArray())).ToArray());
        Assert.False(slow.IsCompleted);
        _mayAnswer.SetResult();
        Assert.Equal("wait"u8.ToArray(), (await slow).ToArray());
    }

    [Fact]
    public async Task A_call_that_fails_says_how_and_the_stream_goes_on()
    {
        RpcException fault = await Assert.ThrowsAsync<RpcException>(() => CallAsync("fail"u8.ToArray()));
        RpcException crash = await Assert.ThrowsAsync<RpcException>(() => CallAsync("crash"u8.ToArray()));

        Assert.Equal((RpcStatus.FailedPrecondition, "not now"), (fault.Status, fault.Message));
        Assert.Equal(RpcStatus.Internal, crash.Status);
        Assert.Equal("a secret", Assert.Single(_faults).Message);
        Assert.DoesNotContain("secret", crash.Message, StringComparison.Ordinal);
        Assert.Equal("on"u8.ToArray(), (await CallAsync("on"u8.ToArray())).ToArray());
    }

    [Fact]
    public async Task A_call_that_is_cancelled_is_waited_for_no_longer()
    {
        using CancellationTokenSource stop = new();
        Task<ReadOnlyMemory<byte>> call = _client.CallAsync("wait"u8.ToArray(), stop.Token).AsTask();

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        _mayAnswer.SetResult();
        Assert.Equal("on"u8.ToArray(), (await CallAsync("on"u8.ToArray())).ToArray());
    }

    [Fact]
    public async Task A_server_that_goes_ends_every_call_and_the_stream()
    {
        Task<ReadOnlyMemory<byte>> call = CallAsync("wait"u8.ToArray());
        Assert.Equal("on"u8.ToArray(), (await CallAsync("on"u8.ToArray())).ToArray());

        await _listener.StopAsync(new CancellationToken(canceled: true));

        RpcException fault = await Assert.ThrowsAsync<RpcException>(() => call);
        Assert.True(fault.WasSent);
        Assert.True(_client.IsOver);
        RpcException later = await Assert.ThrowsAsync<RpcException>(() => CallAsync("on"u8.ToArray()));
        Assert.False(later.WasSent);
    }

    [Fact]
    public async Task A_server_without_such_a_stream_says_so()
    {
        using MultiplexClient client = _channel.OpenMultiplexed("/test.Test/Missing");

        RpcException fault = await Assert.ThrowsAsync<RpcException>(
            () => client.CallAsync(new byte[1], CancellationToken.None).AsTask().WaitAsync(s_patience));

        Assert.Equal(RpcStatus.Unimplemented, fault.Status);
    }

    public static TheoryData<string, byte[]> NoFrames()
    {
        byte[] tooLarge = new byte[5];
        BinaryPrimitives.WriteInt32BigEndian(tooLarge.AsSpan(1), MessageBytesMax + 1);
        return new TheoryData<string, byte[]>
        {
            { "compressed", [1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0] },
            { "too short", [0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0] },
            { "cut off", [0, 0, 0, 0, 9, 0, 0] },
            { "too large", tooLarge },
        };
    }

    [Theory]
    [MemberData(nameof(NoFrames))]
    public async Task Bytes_that_are_no_frames_are_refused(string what, byte[] bytes)
    {
        FrameReader reader = new(new MemoryStream(bytes), MessageBytesMax);

        RpcException fault = await Assert.ThrowsAsync<RpcException>(
            () => reader.ReadAsync(CancellationToken.None).AsTask());

        Assert.True(fault.Status is RpcStatus.Internal or RpcStatus.ResourceExhausted, what);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_000)]
    public async Task Frames_are_found_however_the_stream_is_cut(int pieceBytes)
    {
        ArrayBufferWriter<byte> bytes = new();
        byte[][] messages = [[], [1], new byte[200_000], [2, 3], new byte[70_000]];
        for (int number = 0; number < messages.Length; number++)
        {
            MultiplexFrame.Write(bytes, (ulong)number, RpcStatus.Ok, messages[number]);
        }

        FrameReader reader = new(new PiecesStream(bytes.WrittenSpan.ToArray(), pieceBytes), MessageBytesMax);
        for (int number = 0; number < messages.Length; number++)
        {
            MultiplexFrame frame = (await reader.ReadAsync(CancellationToken.None))!.Value;
            Assert.Equal((ulong)number, frame.Call);
            Assert.True(messages[number].AsSpan().SequenceEqual(frame.Message.Span));
        }

        Assert.Null(await reader.ReadAsync(CancellationToken.None));
    }

    private Task<ReadOnlyMemory<byte>> CallAsync(byte[] request) =>
        _client.CallAsync(request, CancellationToken.None).AsTask().WaitAsync(s_patience);

    private async ValueTask<ReadOnlyMemory<byte>> AnswerAsync(
        ReadOnlyMemory<byte> request, RpcPeer? peer, CancellationToken cancellationToken)
    {
        if (request.Span.SequenceEqual("wait"u8))
        {
            await _mayAnswer.Task.WaitAsync(cancellationToken);
        }

        return request.Span.SequenceEqual("fail"u8) ? throw new RpcException(RpcStatus.FailedPrecondition, "not now")
            : request.Span.SequenceEqual("crash"u8) ? throw new InvalidOperationException("a secret")
            : request;
    }

    /// <summary>Gives at most so many bytes a read.</summary>
    private sealed class PiecesStream(byte[] bytes, int pieceBytes) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, pieceBytes)], cancellationToken);
    }
}
