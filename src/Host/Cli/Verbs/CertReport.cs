// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using KvmActors.Host.Security;

namespace KvmActors.Host.Cli.Verbs;

/// <summary>What a certificate says, as <c>--json</c> prints it.</summary>
/// <param name="Role">ca, node, operator or viewer; null where it says none.</param>
/// <param name="DaysLeft">Whole days; below 0 it has expired.</param>
/// <param name="KeyFile">Null where no key was written.</param>
internal sealed record CertReport(
    string? File,
    string? KeyFile,
    string? Role,
    string? Name,
    string Subject,
    string Issuer,
    IReadOnlyList<string> Names,
    DateTimeOffset ValidFrom,
    DateTimeOffset ValidUntil,
    int DaysLeft,
    string Sha256)
{
    public static CertReport Of(X509Certificate2 certificate, DateTimeOffset now)
    {
        bool isAuthority = certificate.Extensions.OfType<X509BasicConstraintsExtension>()
            .Any(extension => extension.CertificateAuthority);
        CertificateIdentity? identity = isAuthority ? null : CertificateIdentity.Find(certificate);
        var names = CertificateNames.Of(certificate);
        return new CertReport(
            File: null,
            KeyFile: null,
            isAuthority ? TlsFiles.AuthorityName : identity is null ? null : CertificateIdentity.WordOf(identity.Role),
            identity?.Name,
            certificate.Subject,
            certificate.Issuer,
            [.. names.Hosts, .. names.Addresses.Select(address => address.ToString())],
            new DateTimeOffset(certificate.NotBefore).ToUniversalTime(),
            new DateTimeOffset(certificate.NotAfter).ToUniversalTime(),
            (int)Math.Round((certificate.NotAfter.ToUniversalTime() - now.UtcDateTime).TotalDays),
            certificate.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant());
    }

    /// <param name="verdict">What an authority said of it; null where none was asked.</param>
    public void Write(CliTerminal terminal, string? verdict = null)
    {
        bool isOver = ValidUntil < TimeProvider.System.GetUtcNow();
        FieldList fields = new();
        fields.Add("certificate", File ?? "");
        fields.Add("key", KeyFile is null ? "" : $"{KeyFile} (keep it secret: only its owner can read it)");
        fields.Add("role", Role switch
        {
            null => "none: no node takes it",
            TlsFiles.AuthorityName => "ca: signs the others",
            _ => $"{Role} {Name}",
        });
        fields.Add("subject", Subject);
        fields.Add("issuer", Issuer);
        fields.Add("hosts", string.Join(", ", Names));
        fields.Add("valid from", CertificateCheck.TextOf(ValidFrom));
        fields.Add("valid until", string.Create(
            CultureInfo.InvariantCulture,
            $"{CertificateCheck.TextOf(ValidUntil)} ({(isOver ? "expired" : $"{DaysLeft} days left")})"));
        fields.Add("sha256", Sha256);
        fields.Add("verdict", verdict ?? "");
        fields.Write(terminal);
    }
}
