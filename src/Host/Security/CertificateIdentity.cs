// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography.X509Certificates;
using KvmActors.Persistence;

namespace KvmActors.Host.Security;

/// <summary>Who a certificate is for: a role and a name.</summary>
/// <remarks>It stands in the certificate as a URI among the subject's alternative names, <c>kvmactors:node/node-1</c>:
/// one exact text instead of a distinguished name, which has many spellings (ADR 0017).</remarks>
/// <param name="Name">As a node's name: 1 to 63 of a-z, 0-9 and '-', first a letter.</param>
internal sealed record CertificateIdentity(CertificateRole Role, string Name)
{
    private const string Scheme = "kvmactors:";

    public string Uri => $"{Scheme}{Word}/{Name}";

    private string Word => WordOf(Role);

    public static string WordOf(CertificateRole role) => role switch
    {
        CertificateRole.Viewer => "viewer",
        CertificateRole.Operator => "operator",
        CertificateRole.Node => "node",
    };

    /// <summary>The identity in a certificate; null where there is none, or more than one.</summary>
    public static CertificateIdentity? Find(X509Certificate2 certificate)
    {
        string[] own =
        [
            .. CertificateNames.Of(certificate).Uris
                .Where(uri => uri.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)),
        ];
        return own.Length == 1 && TryParse(own[0], out CertificateIdentity? identity) ? identity : null;
    }

    /// <summary>Takes exactly what <see cref="Uri"/> writes.</summary>
    public static bool TryParse(string uri, [NotNullWhen(true)] out CertificateIdentity? identity)
    {
        identity = Enum.GetValues<CertificateRole>()
            .Where(role => uri.StartsWith($"{Scheme}{WordOf(role)}/", StringComparison.Ordinal))
            .Select(role => new CertificateIdentity(role, uri[(Scheme.Length + WordOf(role).Length + 1)..]))
            .FirstOrDefault(found => IsName(found.Name));
        return identity is not null;
    }

    public static bool IsName(string text) => VmId.TryParse(text, out _);

    /// <summary>As sentences say it: "operator alice".</summary>
    public override string ToString() => $"{Word} {Name}";
}
