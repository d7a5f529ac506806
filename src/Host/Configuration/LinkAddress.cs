// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace KvmActors.Host.Configuration;

/// <summary>HOST:PORT as configuration, command line and the node table write it.</summary>
internal static class LinkAddress
{
    /// <summary>An address that can be dialled: as <see cref="TryParse"/> takes it, or with a host's name.</summary>
    /// <param name="host">As it stands, an IPv6 address in its brackets.</param>
    public static bool TryParseHost(string text, [NotNullWhen(true)] out string? host, out int port)
    {
        host = null;
        port = 0;
        if (TryParse(text, out IPEndPoint? address))
        {
            port = address.Port;
        }
        else
        {
            int colon = text.LastIndexOf(':');
            bool isNamed = colon > 0
                && Uri.CheckHostName(text[..colon]) == UriHostNameType.Dns
                && ushort.TryParse(
                    text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort number)
                && (port = number) >= 0;
            if (!isNamed)
            {
                return false;
            }
        }

        host = text[..text.LastIndexOf(':')];
        return true;
    }

    /// <summary>True where only this machine is reached. A name may be anything; localhost alone is known.</summary>
    /// <param name="host">As <see cref="TryParseHost"/> gives it.</param>
    public static bool IsLoopback(string host) => host == "localhost"
        || (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address) && IPAddress.IsLoopback(address));

    /// <summary>Takes an IPv4 address, an IPv6 address in brackets, or localhost; and a port from 0 to 65535.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out IPEndPoint? address)
    {
        address = null;
        int colon = text.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(
            text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
        {
            return false;
        }

        string host = text[..colon];
        bool isBracketed = host.StartsWith('[') && host.EndsWith(']');
        if (host == "localhost")
        {
            address = new IPEndPoint(IPAddress.Loopback, port);
        }
        else if (IPAddress.TryParse(isBracketed ? host[1..^1] : host, out IPAddress? ip)
            && isBracketed == (ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6))
        {
            address = new IPEndPoint(ip, port);
        }

        return address is not null;
    }
}
