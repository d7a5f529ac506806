// SPDX-License-Identifier: Apache-2.0

using System.Net;
using KvmActors.Host.Security;

namespace KvmActors.Host.Rpc;

/// <summary>Where a listener is, whom it takes, and its bounds.</summary>
/// <param name="Tls">Null: plain HTTP/2, which is for loopback alone; whoever reaches it may do everything.</param>
/// <param name="AccessOf">By a method's path; null: nobody. Only asked with TLS.</param>
internal sealed record RpcListenerOptions(
    IPEndPoint Address, TlsCredentials? Tls, Func<string, RpcAccess?> AccessOf)
{
    /// <summary>Open connections; one more is closed at once.</summary>
    public int ConnectionsMax { get; init; } = 1_000;

    /// <summary>A TLS handshake that takes longer is ended; so is a connection that stays after it was refused.
    /// </summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Calls under way on one connection.</summary>
    public const int StreamsMax = 1_024;

    /// <summary>Bytes of one header's name and value.</summary>
    public const int HeaderFieldBytesMax = 8 * 1_024;

    /// <summary>Bytes of all headers of a call.</summary>
    public const int HeadersBytesMax = 16 * 1_024;

    public const int HeadersMax = 64;

    /// <summary>Headers of a call that do not come whole within this time end its connection.</summary>
    public static readonly TimeSpan HeadersTimeout = TimeSpan.FromSeconds(10);

    /// <summary>A connection without a call is closed after this time.</summary>
    public static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(130);

    /// <summary>Without TLS.</summary>
    public static RpcListenerOptions Plain(IPEndPoint address) => new(address, Tls: null, AccessOf: _ => null);
}
