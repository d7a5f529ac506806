// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Security;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace KvmActors.Host.Rpc;

/// <summary>Lets a call through or not, before anything of its body is read.</summary>
/// <remarks>A certificate that is not good is refused here, not in the handshake: so its bearer is told why.</remarks>
internal sealed class RpcGate(RpcListenerOptions options, ILogger logger)
{
    /// <summary>Under which a connection keeps its <see cref="RpcPeer"/>.</summary>
    public static object PeerKey { get; } = typeof(RpcPeer);

    /// <summary>Who calls; null without TLS.</summary>
    /// <exception cref="RpcException">Unauthenticated: its certificate is not good.</exception>
    public RpcPeer? Authenticate(HttpContext context)
    {
        if (options.Tls is not { } tls)
        {
            return null;
        }

        var peer = context.Features.Get<IConnectionItemsFeature>()?.Items[PeerKey] as RpcPeer;
        if (Judge(peer, tls) is CertificateVerdict.Refused refused)
        {
            context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
            throw new RpcException(RpcStatus.Unauthenticated, refused.Reason);
        }

        return peer! with { Rejudge = () => Judge(peer, tls) };
    }

    /// <param name="path">Of a method that there is.</param>
    /// <exception cref="RpcException">PermissionDenied: its role may not call this.</exception>
    public void Authorize(RpcPeer? peer, string path)
    {
        if (peer?.Identity is not { } identity)
        {
            return;
        }

        RpcAccess? access = options.AccessOf(path);
        if (access?.Allows(identity.Role) != true)
        {
            logger.CallDenied(peer.Remote, identity.ToString(), path);
            throw new RpcException(
                RpcStatus.PermissionDenied,
                $"Expected {access?.Expected() ?? "nobody"} for {path.Split('/')[^1]}, found {identity}. "
                + "Ask with another certificate.");
        }

    }

    /// <summary>Logs who asked for a change. A command that is sent again, with the same ids, is one.</summary>
    public void Note(RpcPeer? peer, string path, object request)
    {
        if (peer?.Identity is { } identity && options.AccessOf(path) == RpcAccess.Change)
        {
            string what = $"{path.Split('/')[^1]}{RequestText.Of(request)}";
            if (peer.IsNews(what))
            {
                logger.CallOfOperator(identity.ToString(), what, peer.Remote);
            }
        }
    }

    /// <summary>The verdict of the handshake, unless time or the list of revoked ones has overtaken it.</summary>
    private static CertificateVerdict Judge(RpcPeer? peer, TlsCredentials tls) => peer switch
    {
        null => new CertificateVerdict.Refused("Expected a connection with a certificate, found one without."),
        { Verdict: CertificateVerdict.Accepted accepted } when tls.Clock.GetUtcNow() > accepted.NotAfter =>
            new CertificateVerdict.Refused(
                $"Expected a certificate that is valid, found one of {accepted.Identity} that expired "
                + $"{CertificateCheck.TextOf(accepted.NotAfter)}. Make a new one with kvmactors cert."),
        { Verdict: CertificateVerdict.Accepted accepted } when tls.Current.IsRevoked(peer.Print) =>
            new CertificateVerdict.Refused(
                $"Expected a certificate that is still good, found one of {accepted.Identity} that stands in "
                + "tls.revoked. Make a new one with kvmactors cert."),
        _ => peer.Verdict,
    };
}
