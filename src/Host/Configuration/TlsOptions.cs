// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Hocon;
using KvmActors.Host.Security;

namespace KvmActors.Host.Configuration;

/// <summary>Keys below <c>kvmactors.tls</c>; <c>hocon/reference.conf</c> tells what each means.</summary>
/// <param name="Files">Null: no TLS.</param>
/// <param name="RevokedFile">Null: no certificate is revoked.</param>
internal sealed record TlsOptions(TlsFiles? Files, string? RevokedFile, TimeSpan HandshakeTimeout)
{
    public const string CertificateKey = "kvmactors.tls.certificate";

    private static readonly string[] s_othersKeys = ["kvmactors.tls.key", "kvmactors.tls.ca", "kvmactors.tls.revoked"];

    public static TlsOptions Bind(HoconConfig config)
    {
        string? certificate = config.GetOptionalText(CertificateKey);
        string?[] others = [.. s_othersKeys.Select(config.GetOptionalText)];
        int set = Array.FindIndex(others, text => text is not null);
        if (certificate is null && set >= 0)
        {
            throw config.Wrong(
                CertificateKey,
                $"a file beside {s_othersKeys[set]}",
                "Name the node's certificate too, or none of them: no TLS.");
        }

        return new TlsOptions(
            certificate is null ? null : TlsFiles.Of(certificate, others[0], others[1]),
            others[2],
            config.GetDuration(
                "kvmactors.tls.handshake-timeout", TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1)));
    }
}
