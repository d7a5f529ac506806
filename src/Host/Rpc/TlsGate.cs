// SPDX-License-Identifier: Apache-2.0

using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using KvmActors.Host.Security;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace KvmActors.Host.Rpc;

/// <summary>The TLS of a listener: asks each peer for its certificate and judges it.</summary>
/// <remarks>A handshake with a bad certificate is let through, so that <see cref="RpcGate"/> can answer with the
/// reason; such a connection gets no further, and not for long.</remarks>
internal sealed class TlsGate(RpcListenerOptions options, ILogger log)
{
    /// <summary>One address that is refused again and again is a line in the log this often.</summary>
    private static readonly TimeSpan s_tellEvery = TimeSpan.FromSeconds(10);

    private const int AddressesMax = 1_000;

    private readonly TlsCredentials _credentials = options.Tls!;

    /// <summary>By address, when a refusal was told last. Emptied when it is full.</summary>
    private readonly ConcurrentDictionary<string, long> _toldAt = new(StringComparer.Ordinal);

    public void AddTo(ListenOptions listen)
    {
        listen.Use(next => connection => WatchAsync(next, connection));
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = options.HandshakeTimeout,
            OnConnection = context => ValueTask.FromResult(Shake(context)),
        });
        listen.Use(next => connection => LimitAsync(next, connection));
    }

    private static string RemoteOf(BaseConnectionContext connection) => connection.RemoteEndPoint?.ToString() ?? "?";

    private SslServerAuthenticationOptions Shake(TlsHandshakeCallbackContext context)
    {
        TlsMaterial material = _credentials.Current;
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = material.Context,
            ClientCertificateRequired = true,
            EnabledSslProtocols = SslProtocols.Tls13,
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            AllowTlsResume = false,
            AllowRenegotiation = false,
            RemoteCertificateValidationCallback = (_, certificate, chain, _) => Remember(
                context.Connection,
                PeerOf(context.Connection, material, certificate as X509Certificate2, chain)),
        };
    }

    /// <returns>True, whatever the verdict: it is kept for <see cref="RpcGate"/>, which every call passes.</returns>
    private static bool Remember(BaseConnectionContext connection, RpcPeer peer)
    {
        connection.Items[RpcGate.PeerKey] = peer;
        return true;
    }

    private RpcPeer PeerOf(
        BaseConnectionContext connection, TlsMaterial material, X509Certificate2? certificate, X509Chain? chain) => new(
        RemoteOf(connection),
        certificate is null ? "" : TlsMaterial.PrintOf(certificate),
        material.Judge(
            certificate, chain?.ChainPolicy.ExtraStore ?? [], asServer: false, _credentials.Clock.GetUtcNow()));

    /// <summary>Around the handshake: one that fails is told of.</summary>
    private async Task WatchAsync(ConnectionDelegate next, ConnectionContext connection)
    {
        await next(connection).ConfigureAwait(false);
        if (!connection.Items.ContainsKey(RpcGate.PeerKey) && IsToTell(connection))
        {
            log.HandshakeFailed(RemoteOf(connection), options.HandshakeTimeout.TotalSeconds);
        }
    }

    private bool IsToTell(ConnectionContext connection)
    {
        string address = (connection.RemoteEndPoint as IPEndPoint)?.Address.ToString() ?? "";
        if (_toldAt.TryGetValue(address, out long told) && _credentials.Clock.GetElapsedTime(told) < s_tellEvery)
        {
            return false;
        }

        if (_toldAt.Count >= AddressesMax)
        {
            _toldAt.Clear();
        }

        _toldAt[address] = _credentials.Clock.GetTimestamp();
        return true;
    }

    /// <summary>Behind the handshake: one that was refused may hear why, and must go.</summary>
    private async Task LimitAsync(ConnectionDelegate next, ConnectionContext connection)
    {
        if (connection.Items[RpcGate.PeerKey] is not RpcPeer { Verdict: CertificateVerdict.Refused refused })
        {
            await next(connection).ConfigureAwait(false);
            return;
        }

        if (IsToTell(connection))
        {
            log.PeerRefused(RemoteOf(connection), refused.Reason);
        }

        using CancellationTokenSource late = new(options.HandshakeTimeout, TimeProvider.System);
        using CancellationTokenRegistration end = late.Token.Register(() => connection.Abort(
            new ConnectionAbortedException("The certificate was refused.")));
        await next(connection).ConfigureAwait(false);
    }
}
