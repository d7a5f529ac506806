// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace KvmActors.Host.Configuration;

/// <summary>HOST:PORT as configuration, command line and the node table write it.</summary>
internal static class LinkAddress
{
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
