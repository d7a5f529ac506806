// SPDX-License-Identifier: Apache-2.0

using System.Net;
using System.Runtime.CompilerServices;
using Google.Protobuf.WellKnownTypes;
using KvmActors.Host.Rpc;
using Microsoft.Extensions.Logging.Abstractions;

namespace KvmActors.Host.Tests.Rpc;

/// <summary>Client against server, over a real connection.</summary>
public sealed class RpcCallTests : IAsyncLifetime, IDisposable
{
    private const int MessageBytesMax = 1 << 20;

    private static readonly RpcMethod<StringValue, StringValue> s_echo = Method("Echo");
    private static readonly RpcMethod<StringValue, StringValue> s_fail = Method("Fail");
    private static readonly RpcMethod<StringValue, StringValue> s_crash = Method("Crash");
    private static readonly RpcMethod<StringValue, StringValue> s_wait = Method("Wait");
    private static readonly RpcMethod<StringValue, StringValue> s_count = Method("Count");
    private static readonly RpcMethod<StringValue, StringValue> s_join = Method("Join");
    private static readonly RpcMethod<StringValue, StringValue> s_missing = Method("Missing");
    private static readonly RpcMethod<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>> s_opaque =
        new("test.Test", "Opaque", RpcCodec.Opaque, RpcCodec.Opaque);

    private readonly TaskCompletionSource _waitBegan = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _waitEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private RpcListener _listener = null!;
    private RpcChannel _channel = null!;

    public async Task InitializeAsync()
    {
        RpcService service = new RpcService(MessageBytesMax)
            .Add(s_echo, (request, _) => ValueTask.FromResult(request))
            .Add(s_opaque, (request, _) => ValueTask.FromResult(request))
            .Add<StringValue, StringValue>(
                s_fail, (request, _) => throw new RpcException(RpcStatus.FailedPrecondition, request.Value))
            .Add<StringValue, StringValue>(s_crash, (_, _) => throw new InvalidOperationException("a secret"))
            .Add(s_wait, WaitAsync)
            .AddUpload<StringValue, StringValue>(s_join, JoinAsync)
            .AddStream(s_count, CountAsync);
        _listener = await RpcListener.StartAsync(
            new IPEndPoint(IPAddress.Loopback, 0), service, NullLoggerFactory.Instance, CancellationToken.None);
        _channel = new RpcChannel(_listener.Address.ToString(), MessageBytesMax);
    }

    public async Task DisposeAsync() => await _listener.DisposeAsync();

    public void Dispose() => _channel.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(70_000)]
    [InlineData(MessageBytesMax - 8)]
    public async Task A_message_of_any_size_up_to_the_bound_comes_back(int length)
    {
        var text = new StringValue { Value = new string('x', length) };

        Assert.Equal(text, await CallAsync(s_echo, text));
    }

    [Fact]
    public async Task Bytes_that_are_already_a_message_pass_as_they_are()
    {
        byte[] bytes = [1, 2, 3];

        ReadOnlyMemory<byte> reply = await _channel.CallAsync<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>>(
            s_opaque, bytes, timeout: null, CancellationToken.None);

        Assert.Equal(bytes, reply.ToArray());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(300)]
    public async Task Any_number_of_requests_is_taken_by_one_call(int count)
    {
        string[] words = [.. Enumerable.Range(0, count).Select(i => new string((char)('a' + (i % 26)), 20_000))];

        StringValue reply = await _channel.UploadAsync(
            s_join,
            words.Select(word => new StringValue { Value = word }).ToAsyncEnumerable(),
            CancellationToken.None);

        Assert.Equal(string.Concat(words.Select(word => word[0])), reply.Value);
    }

    [Fact]
    public async Task A_refusal_is_heard_before_the_last_request_is_sent()
    {
        RpcException fault = await Assert.ThrowsAsync<RpcException>(
            () => _channel.UploadAsync(s_join, WithoutEndAsync(), CancellationToken.None)
                .WaitAsync(TimeSpan.FromSeconds(60)));

        Assert.Equal(RpcStatus.InvalidArgument, fault.Status);
        Assert.Equal("no more of these", fault.Message);
    }

    [Fact]
    public async Task Many_calls_share_a_connection()
    {
        StringValue[] replies = await Task.WhenAll(
            Enumerable.Range(0, 200).Select(i => CallAsync(s_echo, new StringValue { Value = $"{i}" })));

        Assert.Equal(Enumerable.Range(0, 200).Select(i => $"{i}"), replies.Select(reply => reply.Value));
    }

    [Fact]
    public async Task A_message_above_the_bound_is_refused_by_the_sender_and_by_the_reader()
    {
        var text = new StringValue { Value = new string('x', MessageBytesMax) };
        using RpcChannel generous = new(_listener.Address.ToString(), MessageBytesMax * 2);

        RpcException bySender = await Assert.ThrowsAsync<RpcException>(() => CallAsync(s_echo, text));
        RpcException byReader = await Assert.ThrowsAsync<RpcException>(
            () => generous.CallAsync(s_echo, text, timeout: null, CancellationToken.None));

        Assert.Equal(RpcStatus.ResourceExhausted, bySender.Status);
        Assert.Equal(RpcStatus.ResourceExhausted, byReader.Status);
        Assert.Contains("rpc.message-max", byReader.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handlers_refusal_reaches_the_client_with_its_text()
    {
        const string Text = "Expected 100 %, found größer.\nChoose one.";

        RpcException fault = await Assert.ThrowsAsync<RpcException>(
            () => CallAsync(s_fail, new StringValue { Value = Text }));

        Assert.Equal(RpcStatus.FailedPrecondition, fault.Status);
        Assert.Equal(Text, fault.Message);
    }

    [Fact]
    public async Task A_crash_in_a_handler_tells_the_client_nothing_of_its_cause()
    {
        RpcException fault = await Assert.ThrowsAsync<RpcException>(() => CallAsync(s_crash, new StringValue()));

        Assert.Equal(RpcStatus.Internal, fault.Status);
        Assert.DoesNotContain("secret", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_method_is_unimplemented()
    {
        RpcException fault = await Assert.ThrowsAsync<RpcException>(() => CallAsync(s_missing, new StringValue()));

        Assert.Equal(RpcStatus.Unimplemented, fault.Status);
        Assert.Contains("/test.Test/Missing", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_deadline_ends_the_call_on_both_sides()
    {
        // On a busy machine a short deadline may pass before the call reaches the server, so it is doubled.
        for (int i = 0; !_waitBegan.Task.IsCompleted; i++)
        {
            RpcException fault = await Assert.ThrowsAsync<RpcException>(() => _channel.CallAsync(
                s_wait, new StringValue(), TimeSpan.FromMilliseconds(50 << i), CancellationToken.None));

            Assert.Equal(RpcStatus.DeadlineExceeded, fault.Status);
        }

        await _waitEnded.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task The_server_keeps_a_deadline_that_the_client_forgets()
    {
        using HttpResponseMessage response = await PostAsync(
            s_wait.Path, [0, 0, 0, 0, 0], request => request.Headers.Add("grpc-timeout", "20m"));
        await response.Content.ReadAsByteArrayAsync();

        Assert.Equal("4", HeaderOrTrailer(response, "grpc-status"));
    }

    [Fact]
    public async Task A_cancelled_call_is_cancelled_on_the_server()
    {
        using var cancel = new CancellationTokenSource();
        Task<StringValue> call = _channel.CallAsync(s_wait, new StringValue(), timeout: null, cancel.Token);
        await _waitBegan.Task.WaitAsync(TimeSpan.FromSeconds(20));

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await _waitEnded.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task A_stream_comes_in_order_and_ends_with_its_status()
    {
        List<string> replies = [];
        await foreach (StringValue reply in _channel.StreamAsync(
            s_count, new StringValue { Value = "500" }, CancellationToken.None))
        {
            replies.Add(reply.Value);
        }

        Assert.Equal(Enumerable.Range(0, 500).Select(i => $"{i}"), replies);
    }

    [Fact]
    public async Task A_stream_that_fails_gives_what_came_before_and_then_the_refusal()
    {
        List<string> replies = [];
        RpcException fault = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            await foreach (StringValue reply in _channel.StreamAsync(
                s_count, new StringValue { Value = "-3" }, CancellationToken.None))
            {
                replies.Add(reply.Value);
            }
        });

        Assert.Equal(["0", "1", "2"], replies);
        Assert.Equal(RpcStatus.DataLoss, fault.Status);
    }

    [Theory]
    [InlineData(new byte[] { }, "13")]
    [InlineData(new byte[] { 0, 0 }, "13")]
    [InlineData(new byte[] { 0, 0, 0, 0, 9, 1 }, "13")]
    [InlineData(new byte[] { 1, 0, 0, 0, 0 }, "12")]
    [InlineData(new byte[] { 0, 255, 255, 255, 255 }, "8")]
    [InlineData(new byte[] { 0, 0, 0, 0, 1, 0xFF }, "13")]
    [InlineData(new byte[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, "13")]
    public async Task Bytes_that_are_no_single_message_are_refused(byte[] body, string status)
    {
        using HttpResponseMessage response = await PostAsync(s_echo.Path, body, _ => { });
        byte[] reply = await response.Content.ReadAsByteArrayAsync();

        Assert.Equal(status, HeaderOrTrailer(response, "grpc-status"));
        Assert.Empty(reply);
    }

    [Fact]
    public async Task Another_content_type_is_no_call()
    {
        using HttpResponseMessage response = await PostAsync(
            s_echo.Path, [], request => request.Content!.Headers.ContentType = new("application/json"));

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
    }

    [Fact]
    public async Task Nobody_at_the_address_is_unavailable_and_surely_not_sent()
    {
        string address = _listener.Address.ToString();
        await _listener.DisposeAsync();
        using RpcChannel channel = new(address, MessageBytesMax);

        RpcException fault = await Assert.ThrowsAsync<RpcException>(() => channel.CallAsync(
            s_echo, new StringValue(), timeout: null, CancellationToken.None));

        Assert.Equal(RpcStatus.Unavailable, fault.Status);
        Assert.False(fault.WasSent);
        Assert.Contains(address, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_in_use_is_one_message()
    {
        CliFault fault = await Assert.ThrowsAsync<CliFault>(() => RpcListener.StartAsync(
            _listener.Address, new RpcService(MessageBytesMax), NullLoggerFactory.Instance, CancellationToken.None));

        Assert.StartsWith($"Expected {_listener.Address} to be free", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_that_is_not_loopback_is_refused()
    {
        CliFault fault = await Assert.ThrowsAsync<CliFault>(() => RpcListener.StartAsync(
            new IPEndPoint(IPAddress.Any, 0),
            new RpcService(MessageBytesMax),
            NullLoggerFactory.Instance,
            CancellationToken.None));

        Assert.Contains("found 0.0.0.0:0", fault.Message, StringComparison.Ordinal);
    }

    /// <summary>The first letters of all requests; refuses what begins with "!".</summary>
    private static async ValueTask<StringValue> JoinAsync(
        IAsyncEnumerable<StringValue> requests, CancellationToken stop)
    {
        System.Text.StringBuilder all = new();
        await foreach (StringValue request in requests.WithCancellation(stop))
        {
            all.Append(
                request.Value[0] == '!'
                    ? throw new RpcException(RpcStatus.InvalidArgument, "no more of these")
                    : request.Value[0]);
        }

        return new StringValue { Value = all.ToString() };
    }

    private static async IAsyncEnumerable<StringValue> WithoutEndAsync()
    {
        while (true)
        {
            yield return new StringValue { Value = new string('!', 100_000) };
            await Task.Yield();
        }
    }

    private static RpcMethod<StringValue, StringValue> Method(string name) => new(
        "test.Test", name, RpcCodec.Of(StringValue.Parser), RpcCodec.Of(StringValue.Parser));

    private static string? HeaderOrTrailer(HttpResponseMessage response, string name) =>
        response.TrailingHeaders.TryGetValues(name, out IEnumerable<string>? values)
        || response.Headers.TryGetValues(name, out values)
            ? values.Single()
            : null;

    private static async IAsyncEnumerable<StringValue> CountAsync(
        StringValue request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        int count = int.Parse(request.Value, System.Globalization.CultureInfo.InvariantCulture);
        for (int i = 0; i < Math.Abs(count); i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return new StringValue { Value = $"{i}" };
            await Task.Yield();
        }

        if (count < 0)
        {
            throw new RpcException(RpcStatus.DataLoss, "The count is negative.");
        }
    }

    private async ValueTask<StringValue> WaitAsync(StringValue request, CancellationToken cancellationToken)
    {
        _waitBegan.TrySetResult();
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            return request;
        }
        finally
        {
            _waitEnded.TrySetResult();
        }
    }

    private Task<StringValue> CallAsync(RpcMethod<StringValue, StringValue> method, StringValue request) =>
        _channel.CallAsync(method, request, timeout: null, CancellationToken.None);

    private async Task<HttpResponseMessage> PostAsync(
        string path, byte[] body, Action<HttpRequestMessage> change)
    {
        using HttpClient http = new();
        using HttpRequestMessage request = new(HttpMethod.Post, $"http://{_listener.Address}{path}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = new("application/grpc");
        change(request);
        return await http.SendAsync(request);
    }
}
