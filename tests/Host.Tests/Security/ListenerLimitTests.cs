// SPDX-License-Identifier: Apache-2.0

using System.Net;
using System.Net.Sockets;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Rpc;
using KvmActors.Host.Security;

namespace KvmActors.Host.Tests.Security;

/// <summary>What a stranger, or a peer gone wrong, can make a listener hold.</summary>
public sealed class ListenerLimitTests : IDisposable
{
    private const int MessageBytesMax = 64 * 1024;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private static readonly RpcMethod<StringValue, StringValue> s_echo = new(
        "test.Test", "Echo", RpcCodec.Of(StringValue.Parser), RpcCodec.Of(StringValue.Parser));

    private readonly TestPki _pki = new();
    private readonly RecordedLogs _logs = new();

    public void Dispose()
    {
        _pki.Dispose();
        _logs.Dispose();
    }

    [Fact]
    public async Task A_handshake_that_stands_still_is_cut_off()
    {
        await using RpcListener listener = await ListenAsync(Tls() with
        {
            HandshakeTimeout = TimeSpan.FromMilliseconds(200),
        });
        using TcpClient half = new();
        await half.ConnectAsync(listener.Address);

        Assert.Equal(0, await half.GetStream().ReadAsync(new byte[1]).AsTask().WaitAsync(s_patience));

        await _logs.LineAsync("began a TLS handshake and did not end it within 0.2 s");
    }

    [Fact]
    public async Task One_that_was_refused_and_says_nothing_is_cut_off()
    {
        await using RpcListener listener = await ListenAsync(Tls() with
        {
            HandshakeTimeout = TimeSpan.FromMilliseconds(500),
        });
        using TcpClient refused = new();
        await refused.ConnectAsync(listener.Address);
        await using System.Net.Security.SslStream stream = new(refused.GetStream());
        await stream.AuthenticateAsClientAsync(new System.Net.Security.SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            ApplicationProtocols = [System.Net.Security.SslApplicationProtocol.Http2],
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
        });

        byte[] buffer = new byte[1024];
        try
        {
            while (await stream.ReadAsync(buffer).AsTask().WaitAsync(s_patience) > 0)
            {
                // The server's settings.
            }
        }
        catch (IOException)
        {
            // Aborted: as good an end.
        }

        await _logs.LineAsync("was refused. Expected a certificate of this cluster's authority, found none.");
    }

    [Fact]
    public async Task One_connection_too_many_is_closed_and_the_next_has_room_again()
    {
        await using RpcListener listener = await ListenAsync(Plain() with { ConnectionsMax = 1 });
        using (RpcChannel first = new(listener.Address.ToString(), MessageBytesMax))
        {
            Assert.Equal("a", await EchoAsync(first, "a"));
            using TcpClient second = new();
            await second.ConnectAsync(listener.Address);
            Assert.True(await EndsAsync(second.GetStream()));
        }

        using CancellationTokenSource late = new(s_patience);
        while (true)
        {
            using RpcChannel third = new(listener.Address.ToString(), MessageBytesMax);
            try
            {
                Assert.Equal("b", await EchoAsync(third, "b"));
                return;
            }
            catch (RpcException) when (!late.IsCancellationRequested)
            {
                // The first one's end has not come through yet.
            }
        }
    }

    [Theory]
    [InlineData(RpcListenerOptions.HeaderFieldBytesMax + 1, 1)]
    [InlineData(1024, RpcListenerOptions.HeadersBytesMax / 1024)]
    [InlineData(1, RpcListenerOptions.HeadersMax)]
    public async Task Headers_beyond_their_bounds_are_refused(int bytes, int count)
    {
        await using RpcListener listener = await ListenAsync(Plain());
        using HttpClient http = new();
        using HttpRequestMessage request = new(HttpMethod.Post, $"http://{listener.Address}/test.Test/Echo")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        for (int i = 0; i < count; i++)
        {
            request.Headers.Add($"x-{i}", new string('a', bytes));
        }

        try
        {
            using HttpResponseMessage response = await http.SendAsync(request).WaitAsync(s_patience);
            Assert.Equal(HttpStatusCode.RequestHeaderFieldsTooLarge, response.StatusCode);
        }
        catch (HttpRequestException)
        {
            // The connection was ended: as good an answer.
        }

        using RpcChannel channel = new(listener.Address.ToString(), MessageBytesMax);
        Assert.Equal("still there", await EchoAsync(channel, "still there"));
    }

    [Fact]
    public async Task A_message_beyond_its_bound_is_refused_by_its_length_alone()
    {
        await using RpcListener listener = await ListenAsync(Plain());
        using RpcChannel channel = new(listener.Address.ToString(), 2 * MessageBytesMax);

        RpcException fault = await Assert.ThrowsAsync<RpcException>(
            () => EchoAsync(channel, new string('x', MessageBytesMax)));

        Assert.Equal(RpcStatus.ResourceExhausted, fault.Status);
        Assert.Contains("raise rpc.message-max", fault.Message, StringComparison.Ordinal);
    }

    /// <summary>A group inside a group inside a group: what a decoder that calls itself would die of.</summary>
    [Theory]
    [InlineData(64)]
    [InlineData(100_000)]
    public void Nesting_without_end_is_no_message(int depth)
    {
        byte[] groups = new byte[2 * depth];
        groups.AsSpan(0, depth).Fill((15 << 3) | 3);
        groups.AsSpan(depth).Fill((15 << 3) | 4);

        if (depth < RpcCodec.DepthMax)
        {
            Assert.NotNull(RpcCodec.Of(PingRequest.Parser).Decode(groups));
        }
        else
        {
            Assert.Throws<InvalidProtocolBufferException>(() => RpcCodec.Of(PingRequest.Parser).Decode(groups));
        }
    }

    [Fact]
    public void No_message_of_the_control_api_holds_itself_and_none_is_deep()
    {
        Assert.All(ControlReflection.Descriptor.MessageTypes, type => Assert.InRange(DepthOf(type, []), 1, 8));
        Assert.DoesNotContain(
            ControlReflection.Descriptor.MessageTypes.SelectMany(type => type.Fields.InDeclarationOrder()),
            field => field.FieldType == FieldType.Message && field.MessageType.FullName == "google.protobuf.Any");
    }

    private static int DepthOf(MessageDescriptor type, IReadOnlyList<MessageDescriptor> above)
    {
        Assert.DoesNotContain(type, above);
        return 1 + type.Fields.InDeclarationOrder()
            .Where(field => field.FieldType == FieldType.Message)
            .Select(field => DepthOf(field.MessageType, [.. above, type]))
            .DefaultIfEmpty(0)
            .Max();
    }

    private static RpcListenerOptions Plain() => RpcListenerOptions.Plain(new IPEndPoint(IPAddress.Loopback, 0));

    private static async Task<bool> EndsAsync(Stream stream)
    {
        byte[] preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();
        try
        {
            await stream.WriteAsync(preface);
            return await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(s_patience) == 0;
        }
        catch (IOException)
        {
            // Reset: as good an end.
            return true;
        }
    }

    private static async Task<string> EchoAsync(RpcChannel channel, string text) => (await channel.CallAsync(
        s_echo, new StringValue { Value = text }, s_patience, CancellationToken.None)).Value;

    private RpcListenerOptions Tls() => new(
        new IPEndPoint(IPAddress.Loopback, 0),
        TlsCredentials.OfNode(
            _pki.Write(CertificateRole.Node, "node-1"),
            revokedFile: null,
            "node-1",
            TimeProvider.System,
            _logs.CreateLogger("KvmActors.Tls")),
        _ => RpcAccess.Read);

    private Task<RpcListener> ListenAsync(RpcListenerOptions options) => RpcListener.StartAsync(
        options,
        new RpcService(MessageBytesMax).Add(s_echo, (request, _) => ValueTask.FromResult(request)),
        _logs,
        CancellationToken.None);
}
