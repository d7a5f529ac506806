// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace KvmActors.Host.Security;

/// <summary>Makes certificates: ECDSA on P-256 with SHA-256, which every TLS 1.3 peer has.</summary>
/// <param name="now">Certificates are valid from <see cref="Skew"/> before it on.</param>
internal sealed class CertificateMaker(DateTimeOffset now)
{
    /// <summary>The clocks of two machines may differ by this much.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    private const string ServerUse = "1.3.6.1.5.5.7.3.1";
    private const string ClientUse = "1.3.6.1.5.5.7.3.2";
    private const int SerialBytes = 16;

    /// <summary>An authority, which signs certificates and no other authority.</summary>
    /// <returns>With its private key.</returns>
    public X509Certificate2 MakeAuthority(string name, TimeSpan validFor)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = RequestOf(name, key);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(
            certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request.CreateSelfSigned(now - Skew, now + validFor);
    }

    /// <summary>A certificate of the authority for somebody.</summary>
    /// <param name="hosts">IP addresses and names at which a node is asked.</param>
    /// <returns>With its private key. It is not valid for longer than the authority.</returns>
    public X509Certificate2 Make(
        X509Certificate2 authority, CertificateIdentity identity, IEnumerable<string> hosts, TimeSpan validFor)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = RequestOf(identity.Name, key);
        bool isNode = identity.Role == CertificateRole.Node;
        OidCollection uses = [new Oid(ClientUse)];
        if (isNode)
        {
            uses.Add(new Oid(ServerUse));
        }

        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(
            certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(uses, critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(
            authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        request.CertificateExtensions.Add(NamesOf(identity, hosts));
        DateTimeOffset end = now + validFor;
        DateTimeOffset endOfAuthority = authority.NotAfter;
        using X509Certificate2 signed = request.Create(
            authority,
            now - Skew > authority.NotBefore ? now - Skew : authority.NotBefore,
            end < endOfAuthority ? end : endOfAuthority,
            RandomNumberGenerator.GetBytes(SerialBytes));
        return signed.CopyWithPrivateKey(key);
    }

    private static CertificateRequest RequestOf(string name, ECDsa key)
    {
        X500DistinguishedNameBuilder subject = new();
        subject.AddCommonName(name);
        return new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256);
    }

    private static X509Extension NamesOf(CertificateIdentity identity, IEnumerable<string> hosts)
    {
        SubjectAlternativeNameBuilder names = new();
        names.AddUri(new Uri(identity.Uri));
        foreach (string host in hosts)
        {
            if (IPAddress.TryParse(host, out IPAddress? address))
            {
                names.AddIpAddress(address);
            }
            else
            {
                names.AddDnsName(host.ToLower(CultureInfo.InvariantCulture));
            }
        }

        return names.Build();
    }
}
