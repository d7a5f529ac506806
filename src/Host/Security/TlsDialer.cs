// SPDX-License-Identifier: Apache-2.0

using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace KvmActors.Host.Security;

/// <summary>Opens mutually authenticated connections to nodes.</summary>
/// <remarks>The handshake is let through, and the node's certificate is judged behind it, before the first byte of a
/// request: so each side has seen the other's certificate and can tell its own log or user what is wrong with it.
/// </remarks>
/// <param name="nodeAt">Which node must be there; null: any whose certificate has the host that was dialled.</param>
internal sealed class TlsDialer(TlsCredentials credentials, Func<string, CancellationToken, ValueTask<string?>>? nodeAt)
{
    /// <summary>Of the connection, in any way that a listener may say no to plain bytes.</summary>
    private const string NoTls = "Is it a node without TLS? Then leave the certificate out.";

    /// <exception cref="TlsRefusedException">What answers is not the node that was meant.</exception>
    public async ValueTask<Stream> DialAsync(DnsEndPoint target, CancellationToken cancellationToken)
    {
        string place = $"{target.Host}:{target.Port}";
        string? expected = nodeAt is null ? null : await nodeAt(place, cancellationToken).ConfigureAwait(false)
            ?? throw new TlsRefusedException($"Expected a node of this cluster at {place}, found none in its table.");
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        SslStream? stream = null;
        try
        {
            await socket.ConnectAsync(target, cancellationToken).ConfigureAwait(false);
            stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
            CertificateVerdict verdict = await ShakeHandsAsync(stream, target, place, expected, cancellationToken)
                .ConfigureAwait(false);
            return verdict is CertificateVerdict.Refused refused
                ? throw new TlsRefusedException($"Nothing was sent to {place}. {refused.Reason}")
                : stream;
        }
        catch
        {
            if (stream is not null)
            {
                await stream.DisposeAsync().ConfigureAwait(false);
            }

            socket.Dispose();
            throw;
        }
    }

    private async Task<CertificateVerdict> ShakeHandsAsync(
        SslStream stream, DnsEndPoint target, string place, string? expected, CancellationToken cancellationToken)
    {
        // An IPv6 address comes in its brackets.
        string host = target.Host.Trim('[', ']');
        TlsMaterial material = credentials.Current;
        CertificateVerdict verdict = new CertificateVerdict.Refused("Expected a node's certificate, found none.");
        SslClientAuthenticationOptions options = new()
        {
            TargetHost = host,
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            EnabledSslProtocols = SslProtocols.Tls13,
            ClientCertificateContext = material.Context,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            AllowTlsResume = false,
            RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
            {
                verdict = Judge(material, certificate as X509Certificate2, chain, host, expected);
                return certificate is not null;
            },
        };
        try
        {
            await stream.AuthenticateAsClientAsync(options, cancellationToken).ConfigureAwait(false);
            return verdict;
        }
        catch (Exception fault) when (fault is AuthenticationException or IOException)
        {
            string why = (fault.InnerException ?? fault).Message;
            throw new TlsRefusedException($"Expected TLS 1.3 at {place}, found none ({why}). {NoTls}", fault);
        }
    }

    private CertificateVerdict Judge(
        TlsMaterial material, X509Certificate2? certificate, X509Chain? chain, string host, string? expected)
    {
        CertificateVerdict verdict = material.Judge(
            certificate, chain?.ChainPolicy.ExtraStore ?? [], asServer: true, credentials.Clock.GetUtcNow());
        if (verdict is not CertificateVerdict.Accepted { Identity: var identity })
        {
            return verdict;
        }

        if (identity.Role != CertificateRole.Node)
        {
            return new CertificateVerdict.Refused(
                $"Expected a node's certificate, found that of {identity}. Is somebody posing as a node?");
        }

        if (expected is not null)
        {
            return identity.Name == expected ? verdict : new CertificateVerdict.Refused(
                $"Expected node {expected} there, as the cluster's table says, found {identity}. "
                + "Does that node have another's certificate, or another's address?");
        }

        return certificate!.MatchesHostname(host, allowWildcards: false, allowCommonName: false)
            ? verdict
            : new CertificateVerdict.Refused(
                $"Expected a certificate for {host}, found that of {identity} for "
                + $"{CertificateNames.Of(certificate).Text}. Dial one of these, or make a new one with: "
                + $"kvmactors cert node {identity.Name} --address {host}");
    }
}
