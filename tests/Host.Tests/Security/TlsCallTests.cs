// SPDX-License-Identifier: Apache-2.0

using System.Net;
using Google.Protobuf.WellKnownTypes;
using KvmActors.Host.Rpc;
using KvmActors.Host.Security;

namespace KvmActors.Host.Tests.Security;

/// <summary>A listener with TLS against clients good and bad: each side says why.</summary>
public sealed class TlsCallTests : IAsyncLifetime, IDisposable
{
    private const int MessageBytesMax = 1 << 20;

    private static readonly RpcMethod<StringValue, StringValue> s_read = Method("Read");
    private static readonly RpcMethod<StringValue, StringValue> s_change = Method("Change");
    private static readonly RpcMethod<StringValue, StringValue> s_link = Method("Link");
    private static readonly RpcMethod<StringValue, StringValue> s_forgotten = Method("Forgotten");
    private static readonly RpcMethod<StringValue, StringValue> s_missing = Method("Missing");

    private readonly SteppedClock _clock = new();
    private readonly RecordedLogs _logs = new();
    private readonly TestPki _pki;
    private RpcListener _listener = null!;

    public TlsCallTests() => _pki = new TestPki(_clock);

    private string Address => _listener.Address.ToString();

    public async Task InitializeAsync()
    {
        await File.WriteAllTextAsync(_pki.Path("revoked"), "# nobody yet\n");
        _listener = await ListenAsync(_pki.Write(CertificateRole.Node, "node-1"), "node-1");
    }

    public async Task DisposeAsync() => await _listener.DisposeAsync();

    public void Dispose()
    {
        _pki.Dispose();
        _logs.Dispose();
    }

    [Fact]
    public async Task An_operator_reads_and_changes_and_is_named_in_the_log()
    {
        using RpcChannel channel = ChannelOf(CertificateRole.Operator, "alice");

        Assert.Equal("hi", await CallAsync(channel, s_read));
        Assert.Equal("hi", await CallAsync(channel, s_change));

        Assert.Contains(_logs.Lines, line => line.StartsWith(
            "Information: operator alice asks for Change from 127.0.0.1:", StringComparison.Ordinal));
        Assert.DoesNotContain(_logs.Lines, line => line.Contains("asks for Read", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(CertificateRole.Viewer, "Change", "Expected an operator for Change, found viewer x.")]
    [InlineData(CertificateRole.Viewer, "Link", "Expected a node for Link, found viewer x.")]
    [InlineData(CertificateRole.Operator, "Link", "Expected a node for Link, found operator x.")]
    [InlineData(CertificateRole.Node, "Read", "Expected an operator or a viewer for Read, found node x.")]
    [InlineData(CertificateRole.Node, "Change", "Expected an operator for Change, found node x.")]
    [InlineData(CertificateRole.Operator, "Forgotten", "Expected nobody for Forgotten, found operator x.")]
    internal async Task A_wrong_role_is_told_and_logged(CertificateRole role, string method, string expected)
    {
        using RpcChannel channel = ChannelOf(role, "x");

        RpcException fault = await RefusedAsync(channel, Method(method));

        Assert.Equal(RpcStatus.PermissionDenied, fault.Status);
        Assert.StartsWith(expected, fault.Message, StringComparison.Ordinal);
        Assert.Contains($"{CertificateIdentity.WordOf(role)} x and may not call", string.Join('\n', _logs.Lines),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_viewer_reads_a_node_links_and_what_there_is_not_is_unimplemented()
    {
        using RpcChannel viewer = ChannelOf(CertificateRole.Viewer, "bob");
        using RpcChannel node = ChannelOf(CertificateRole.Node, "node-2");

        Assert.Equal("hi", await CallAsync(viewer, s_read));
        Assert.Equal("hi", await CallAsync(node, s_link));
        Assert.Equal(RpcStatus.Unimplemented, (await RefusedAsync(viewer, s_missing)).Status);
    }

    [Fact]
    public async Task An_expired_certificate_is_told_and_logged()
    {
        TlsFiles files = _pki.Write(CertificateRole.Operator, "old", TimeSpan.FromSeconds(1));
        await _listener.DisposeAsync();
        _clock.Advance(TimeSpan.FromMinutes(1));
        _listener = await ListenAsync(_pki.Write(CertificateRole.Node, "node-1", file: "again"), "node-1");
        using RpcChannel channel = ChannelOf(TlsCredentials.OfClient(files, _clock));

        await AssertRefusedAsync(channel, "found one of operator old that expired ");
    }

    [Fact]
    public async Task A_connection_does_not_outlive_its_certificate()
    {
        using RpcChannel channel = ChannelOf(
            TlsCredentials.OfClient(
                _pki.Write(CertificateRole.Operator, "brief", TimeSpan.FromMinutes(1)), _clock));
        Assert.Equal("hi", await CallAsync(channel, s_read));

        _clock.Advance(TimeSpan.FromMinutes(2));

        RpcException fault = await RefusedAsync(channel, s_read);
        Assert.Equal(RpcStatus.Unauthenticated, fault.Status);
        Assert.Contains("found one of operator brief that expired ", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_revoked_certificate_is_refused_even_on_a_connection_that_is_there()
    {
        TlsFiles files = _pki.Write(CertificateRole.Operator, "lost");
        using RpcChannel before = ChannelOf(TlsCredentials.OfClient(files, _clock));
        Assert.Equal("hi", await CallAsync(before, s_read));
        string print = TlsMaterial.PrintOf(PemFile.ReadCertificates(files.Certificate, "test")[0]);

        await File.WriteAllTextAsync(_pki.Path("revoked"), $"# the stolen laptop\n{print.ToUpperInvariant()} # lost\n");
        _clock.Advance(TlsCredentials.LookEvery);

        Assert.Contains(
            "operator lost that stands in tls.revoked",
            (await RefusedAsync(before, s_read)).Message,
            StringComparison.Ordinal);
        using RpcChannel after = ChannelOf(TlsCredentials.OfClient(files, _clock));
        await AssertRefusedAsync(after, "operator lost that stands in tls.revoked");
    }

    [Fact]
    public async Task A_foreign_certificate_is_told_and_logged()
    {
        using TestPki foreign = new(_clock, "foreign ca");
        TlsFiles files = foreign.Write(CertificateRole.Operator, "mallory");
        using RpcChannel channel = ChannelOf(
            TlsCredentials.OfClient(files with { Authority = _pki.Path("ca.crt") }, _clock));

        await AssertRefusedAsync(channel, "found one of operator mallory signed by another CN=foreign ca.");
    }

    [Fact]
    public async Task A_client_sends_nothing_to_a_foreign_server_and_each_says_why()
    {
        using TestPki foreign = new(_clock, "foreign ca");
        using RpcChannel channel = ChannelOf(foreign.Client(CertificateRole.Operator, "mallory"));

        RpcException fault = await RefusedAsync(channel, s_change);

        Assert.False(fault.WasSent);
        Assert.StartsWith($"Nothing was sent to {Address}. Expected ", fault.Message, StringComparison.Ordinal);
        Assert.Contains("found one of node node-1 signed by another CN=test ca.", fault.Message,
            StringComparison.Ordinal);
        await _logs.LineAsync("was refused. Expected a certificate signed by this cluster's authority CN=test ca");
    }

    [Fact]
    public async Task A_client_sends_nothing_to_an_operator_who_poses_as_a_node()
    {
        CertificateIdentity both = new(CertificateRole.Operator, "alice");
        await using RpcListener posing = await ListenAsync(_pki.Write(_pki.Make(both), "posing"), nodeName: null);
        using RpcChannel channel = new(
            posing.Address.ToString(),
            MessageBytesMax,
            new TlsDialer(_pki.Client(CertificateRole.Operator, "bob"), nodeAt: null));

        RpcException fault = await RefusedAsync(channel, s_read);

        Assert.Contains("Expected a certificate for servers, found one of operator alice", fault.Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("node-1", null)]
    [InlineData("node-2", "Expected node node-2 there, as the cluster's table says, found node node-1.")]
    [InlineData("", "found none in its table")]
    public async Task A_link_goes_to_the_node_that_the_table_has_there(string inTable, string? expected)
    {
        TlsDialer dialer = new(
            _pki.Client(CertificateRole.Node, "node-3"),
            (_, _) => ValueTask.FromResult(inTable.Length == 0 ? null : inTable));
        using RpcChannel channel = new(Address, MessageBytesMax, dialer);

        if (expected is null)
        {
            Assert.Equal("hi", await CallAsync(channel, s_link));
            return;
        }

        RpcException fault = await RefusedAsync(channel, s_link);
        Assert.False(fault.WasSent);
        Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_that_is_not_in_the_certificate_is_refused_with_those_that_are()
    {
        using RpcChannel channel = new(
            $"[::1]:{_listener.Address.Port}",
            MessageBytesMax,
            new TlsDialer(_pki.Client(CertificateRole.Operator, "alice"), nodeAt: null));
        await using RpcListener second = await ListenAsync(
            _pki.Write(CertificateRole.Node, "node-1", file: "v6"),
            "node-1",
            new IPEndPoint(IPAddress.IPv6Loopback, _listener.Address.Port));

        RpcException fault = await RefusedAsync(channel, s_read);

        Assert.Contains(
            "Expected a certificate for ::1, found that of node node-1 for localhost, 127.0.0.1.",
            fault.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_renewed_certificate_is_shown_without_a_restart_and_a_broken_one_changes_nothing()
    {
        var own = TlsCredentials.OfNode(
            _pki.Write(CertificateRole.Node, "node-7"), null, "node-7", _clock, _logs.CreateLogger("KvmActors.Tls"));
        string first = TlsMaterial.PrintOf(own.Current.Own[0]);

        await File.WriteAllTextAsync(_pki.Path("node-7.crt"), "half of a file");
        _clock.Advance(TlsCredentials.LookEvery);
        Assert.Equal(first, TlsMaterial.PrintOf(own.Current.Own[0]));
        await _logs.LineAsync("changed and is not used: Expected a certificate in PEM");

        _pki.Write(CertificateRole.Node, "node-8", file: "node-7");
        _clock.Advance(TlsCredentials.LookEvery);
        Assert.Equal(first, TlsMaterial.PrintOf(own.Current.Own[0]));
        await _logs.LineAsync("found one of node node-8");

        _pki.Write(CertificateRole.Node, "node-7");
        _clock.Advance(TlsCredentials.LookEvery);
        Assert.NotEqual(first, TlsMaterial.PrintOf(own.Current.Own[0]));
        await _logs.LineAsync("was read again");
    }

    [Fact]
    public async Task A_certificate_that_ends_soon_is_told_of_once_a_day()
    {
        TlsFiles files = _pki.Write(CertificateRole.Node, "node-7", TimeSpan.FromDays(9));
        var own = TlsCredentials.OfNode(files, null, "node-7", _clock, _logs.CreateLogger("KvmActors.Tls"));
        for (int hours = 0; hours < 40; hours++)
        {
            _clock.Advance(TimeSpan.FromHours(1));
            Assert.NotNull(own.Current);
        }

        await _logs.LineAsync("node-7.crt is valid until ");
        Assert.Equal(
            2, _logs.Lines.Count(line => line.Contains("node-7.crt is valid until", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Without_tls_a_client_learns_that_the_node_wants_it()
    {
        using RpcChannel channel = new(Address, MessageBytesMax);

        RpcException fault = await RefusedAsync(channel, s_read);

        Assert.True(
            fault.Message.Contains("If that node has TLS, give --cert", StringComparison.Ordinal), fault.ToString());
        await _logs.LineAsync("began a TLS handshake and did not end it");
    }

    [Fact]
    public async Task With_tls_a_client_learns_that_the_node_has_none()
    {
        await using RpcListener plain = await RpcListener.StartAsync(
            new IPEndPoint(IPAddress.Loopback, 0), Service(), _logs, CancellationToken.None);
        using RpcChannel channel = new(
            plain.Address.ToString(),
            MessageBytesMax,
            new TlsDialer(_pki.Client(CertificateRole.Operator, "alice"), nodeAt: null));

        RpcException fault = await RefusedAsync(channel, s_read);

        Assert.False(fault.WasSent);
        Assert.Contains("Is it a node without TLS?", fault.Message, StringComparison.Ordinal);
    }

    private static RpcMethod<StringValue, StringValue> Method(string name) => new(
        "test.Test", name, RpcCodec.Of(StringValue.Parser), RpcCodec.Of(StringValue.Parser));

    private static RpcAccess? AccessOf(string path) => path switch
    {
        "/test.Test/Read" => RpcAccess.Read,
        "/test.Test/Change" => RpcAccess.Change,
        "/test.Test/Link" => RpcAccess.Link,
        _ => null,
    };

    private static RpcService Service()
    {
        RpcService service = new(MessageBytesMax);
        foreach (RpcMethod<StringValue, StringValue> method in
            (RpcMethod<StringValue, StringValue>[])[s_read, s_change, s_link, s_forgotten])
        {
            service.Add(method, (request, _) => ValueTask.FromResult(request));
        }

        return service;
    }

    private static async Task<string> CallAsync(RpcChannel channel, RpcMethod<StringValue, StringValue> method) =>
        (await channel.CallAsync(
            method, new StringValue { Value = "hi" }, TimeSpan.FromSeconds(60), CancellationToken.None)).Value;

    private static Task<RpcException> RefusedAsync(RpcChannel channel, RpcMethod<StringValue, StringValue> method) =>
        Assert.ThrowsAsync<RpcException>(() => CallAsync(channel, method));

    private Task<RpcListener> ListenAsync(TlsFiles files, string? nodeName, IPEndPoint? address = null)
    {
        TlsCredentials credentials = nodeName is null
            ? TlsCredentials.OfClient(files, _clock)
            : TlsCredentials.OfNode(
                files, _pki.Path("revoked"), nodeName, _clock, _logs.CreateLogger("KvmActors.Tls"));
        RpcListenerOptions options = new(
            address ?? new IPEndPoint(IPAddress.Loopback, 0), credentials, AccessOf);
        return RpcListener.StartAsync(options, Service(), _logs, CancellationToken.None);
    }

    private RpcChannel ChannelOf(CertificateRole role, string name) => ChannelOf(_pki.Client(role, name));

    private RpcChannel ChannelOf(TlsCredentials credentials) =>
        new(Address, MessageBytesMax, new TlsDialer(credentials, nodeAt: null));

    /// <summary>Unauthenticated, with the same reason at the client and in the server's log.</summary>
    private async Task AssertRefusedAsync(RpcChannel channel, string expected)
    {
        RpcException fault = await RefusedAsync(channel, s_read);
        Assert.Equal(RpcStatus.Unauthenticated, fault.Status);
        Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
        Assert.StartsWith("Warning: 127.0.0.1:", await _logs.LineAsync(expected), StringComparison.Ordinal);
    }
}
