// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace KvmActors.Host.Security;

/// <summary>What one side shows, and what it holds the other side against. Immutable: read anew when the files
/// change.</summary>
/// <param name="Context">The own certificate with its key, and what leads to the authority.</param>
/// <param name="Revoked">SHA-256 of certificates that are no longer good.</param>
internal sealed record TlsMaterial(
    SslStreamCertificateContext Context,
    X509Certificate2Collection Own,
    X509Certificate2Collection Authorities,
    ImmutableHashSet<string> Revoked)
{
    /// <exception cref="CliFault">A file is missing, or is not what it should be.</exception>
    public static TlsMaterial Read(TlsFiles files, string? revokedFile, TlsWords words)
    {
        X509Certificate2Collection own = PemFile.ReadCertificates(files.Certificate, words.Certificate);
        X509Certificate2 pair = PemFile.ReadWithKey(files.Certificate, files.Key, words.Certificate, words.Key);
        X509Certificate2Collection authorities = PemFile.ReadCertificates(files.Authority, words.Authority);
        X509Certificate2Collection more = [.. own.Skip(1)];
        return new TlsMaterial(
            SslStreamCertificateContext.Create(pair, more, offline: true),
            own,
            authorities,
            revokedFile is null ? [] : RevokedList.Read(revokedFile));
    }

    /// <summary>Whether the own certificate would be taken by a peer with the same authority.</summary>
    public CertificateVerdict JudgeOwn(bool asServer, DateTimeOffset now) =>
        CertificateCheck.Of(Own[0], Own, Authorities, asServer, now);

    /// <inheritdoc cref="CertificateCheck.Of"/>
    public CertificateVerdict Judge(
        X509Certificate2? certificate, X509Certificate2Collection more, bool asServer, DateTimeOffset now) =>
        certificate is not null && IsRevoked(PrintOf(certificate))
            ? new CertificateVerdict.Refused(RevokedReason(certificate))
            : CertificateCheck.Of(certificate, more, Authorities, asServer, now);

    public bool IsRevoked(string print) => Revoked.Contains(print);

    /// <summary>SHA-256 as <c>cert show</c> prints it.</summary>
    public static string PrintOf(X509Certificate2 certificate) =>
        certificate.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant();

    private static string RevokedReason(X509Certificate2 certificate)
    {
        string who = CertificateIdentity.Find(certificate)?.ToString() ?? CertificateCheck.Visible(certificate.Subject);
        return $"Expected a certificate that is still good, found one of {who} that stands in tls.revoked. "
            + "Make a new one with kvmactors cert.";
    }
}
