// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Security;

/// <summary>Where somebody's certificate, its key and the cluster's authorities are: PEM files.</summary>
/// <param name="Certificate">The certificate first; others that lead to the authority may follow.</param>
/// <param name="Authority">One or more authorities: any of them will do, so that one can be replaced.</param>
internal sealed record TlsFiles(string Certificate, string Key, string Authority)
{
    public const string CertificateEnding = ".crt";

    public const string KeyEnding = ".key";

    /// <summary>The authority's name as a file, beside the certificates it signed.</summary>
    public const string AuthorityName = "ca";

    /// <summary>As <c>kvmactors cert</c> lays them out: key and <c>ca.crt</c> beside the certificate.</summary>
    /// <param name="key">Null: the certificate's path, which ends in <c>.key</c>.</param>
    /// <param name="authority">Null: <c>ca.crt</c> in the certificate's folder.</param>
    public static TlsFiles Of(string certificate, string? key, string? authority) => new(
        certificate,
        key ?? Path.ChangeExtension(certificate, KeyEnding),
        authority ?? Path.Combine(
            Path.GetDirectoryName(certificate) ?? "", AuthorityName + CertificateEnding));
}
