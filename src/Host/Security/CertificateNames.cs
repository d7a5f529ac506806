// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace KvmActors.Host.Security;

/// <summary>The subject's alternative names of a certificate, by kind. Kinds that are not here are left out.</summary>
/// <remarks>Source: RFC 5280, 4.2.1.6.</remarks>
internal sealed record CertificateNames(
    ImmutableArray<string> Hosts, ImmutableArray<IPAddress> Addresses, ImmutableArray<string> Uris)
{
    private const string Oid = "2.5.29.17";

    private static readonly CertificateNames s_none = new([], [], []);

    private static readonly Asn1Tag s_dns = new(TagClass.ContextSpecific, 2);
    private static readonly Asn1Tag s_uri = new(TagClass.ContextSpecific, 6);
    private static readonly Asn1Tag s_ip = new(TagClass.ContextSpecific, 7);

    /// <summary>Hosts and addresses as one list for people.</summary>
    public string Text => string.Join(", ", Hosts.Concat(Addresses.Select(address => address.ToString())));

    /// <returns>No names where the extension is missing or is none.</returns>
    public static CertificateNames Of(X509Certificate2 certificate)
    {
        X509Extension? extension = certificate.Extensions.FirstOrDefault(one => one.Oid?.Value == Oid);
        if (extension is null)
        {
            return s_none;
        }

        try
        {
            return Read(extension.RawData);
        }
        catch (Exception fault) when (fault is AsnContentException or CryptographicException)
        {
            // What does not read gives its bearer no name.
            return s_none;
        }
    }

    private static CertificateNames Read(ReadOnlyMemory<byte> encoded)
    {
        List<string> hosts = [];
        List<IPAddress> addresses = [];
        List<string> uris = [];
        AsnReader names = new AsnReader(encoded, AsnEncodingRules.DER).ReadSequence();
        while (names.HasData)
        {
            Asn1Tag tag = names.PeekTag();
            if (tag.HasSameClassAndValue(s_dns))
            {
                hosts.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, s_dns));
            }
            else if (tag.HasSameClassAndValue(s_uri))
            {
                uris.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, s_uri));
            }
            else if (tag.HasSameClassAndValue(s_ip))
            {
                byte[] bytes = names.ReadOctetString(s_ip);
                addresses.AddRange(bytes.Length is 4 or 16 ? [new IPAddress(bytes)] : []);
            }
            else
            {
                names.ReadEncodedValue();
            }
        }

        return new CertificateNames([.. hosts], [.. addresses], [.. uris]);
    }
}
