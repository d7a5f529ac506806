// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace KvmActors.Host.Security;

/// <summary>Whether a certificate was made by the cluster's authority, is valid now, and for whom.</summary>
/// <remarks>Only the cluster's own authorities count, never those that the machine knows. Nothing is fetched: no
/// certificate that another one points to, and no revocation list; <c>tls.revoked</c> is the list.</remarks>
internal static class CertificateCheck
{
    private const int VisibleCharsMax = 100;

    private const string ServerUse = "1.3.6.1.5.5.7.3.1";
    private const string ClientUse = "1.3.6.1.5.5.7.3.2";

    /// <param name="certificate">Null: the peer showed none.</param>
    /// <param name="more">What the peer sent besides, which may lead to an authority.</param>
    /// <param name="asServer">It must be for servers; else for clients.</param>
    public static CertificateVerdict Of(
        X509Certificate2? certificate,
        X509Certificate2Collection more,
        X509Certificate2Collection authorities,
        bool asServer,
        DateTimeOffset now)
    {
        if (certificate is null)
        {
            return new CertificateVerdict.Refused(
                "Expected a certificate of this cluster's authority, found none. Make one with kvmactors cert operator "
                + "NAME, and name it with --cert or KVMACTORS_CERT.");
        }

        var identity = CertificateIdentity.Find(certificate);
        string who = identity?.ToString() ?? Visible(certificate.Subject);
        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.ExtraStore.AddRange(more);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTimeIgnored = false;
        chain.ChainPolicy.VerificationTime = now.LocalDateTime;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(asServer ? ServerUse : ClientUse));
        if (!chain.Build(certificate))
        {
            return new CertificateVerdict.Refused(ReasonOf(chain, certificate, authorities, who, asServer, now));
        }

        return identity is null
            ? new CertificateVerdict.Refused(
                "Expected a certificate that names one role (a URI kvmactors:ROLE/NAME among its alternative names), "
                + $"found one of {who} without it. Make it with kvmactors cert.")
            : new CertificateVerdict.Accepted(identity, certificate.NotAfter);
    }

    /// <summary>As sentences show a moment.</summary>
    public static string TextOf(DateTimeOffset moment) =>
        moment.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    /// <summary>What a stranger wrote, as a log or a terminal may have it: short, and without control
    /// characters.</summary>
    public static string Visible(string text) => string.Concat(
        text.Take(VisibleCharsMax).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));

    /// <summary>SHA-256 of the certificate: the first bytes, by which people tell two apart.</summary>
    public static string ShortPrintOf(X509Certificate2 certificate) =>
        certificate.GetCertHashString(HashAlgorithmName.SHA256)[..16].ToLowerInvariant();

    private static string ReasonOf(
        X509Chain chain,
        X509Certificate2 certificate,
        X509Certificate2Collection authorities,
        string who,
        bool asServer,
        DateTimeOffset now)
    {
        X509ChainStatusFlags all = chain.ChainStatus.Aggregate(
            X509ChainStatusFlags.NoError, (flags, status) => flags | status.Status);
        const X509ChainStatusFlags Foreign = X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot
            | X509ChainStatusFlags.NotSignatureValid | X509ChainStatusFlags.InvalidBasicConstraints;
        if ((all & Foreign) != 0)
        {
            string known = string.Join(
                ", ", authorities.Select(one => $"{Visible(one.Subject)} ({ShortPrintOf(one)})"));
            return $"Expected a certificate signed by this cluster's authority {known}, found one of {who} signed by "
                + $"{IssuerOf(chain, certificate)}. Both sides need certificates of one authority.";
        }

        if (now < certificate.NotBefore)
        {
            return $"Expected a certificate that is valid, found one of {who} that is not yet: its time begins "
                + $"{TextOf(certificate.NotBefore)}, and here it is {TextOf(now)}. Compare the clocks.";
        }

        if (now > certificate.NotAfter)
        {
            return $"Expected a certificate that is valid, found one of {who} that expired "
                + $"{TextOf(certificate.NotAfter)}; here it is {TextOf(now)}. Make a new one with kvmactors cert.";
        }

        if ((all & X509ChainStatusFlags.NotTimeValid) != 0)
        {
            return $"Expected an authority that is valid, found that of {who} expired or not valid yet. Make a new "
                + "authority, give it to all nodes beside the old one, then new certificates.";
        }

        return (all & X509ChainStatusFlags.NotValidForUsage) != 0
            ? $"Expected a certificate for {(asServer ? "servers" : "clients")}, found one of {who} that is not. "
            + $"Make {(asServer ? "a node's" : "one")} with kvmactors cert."
            : $"Expected a certificate in order, found one of {who} that is not: "
            + string.Join(" ", chain.ChainStatus.Select(status => status.StatusInformation.Trim()));
    }

    /// <summary>Where the chain ends.</summary>
    private static string IssuerOf(X509Chain chain, X509Certificate2 certificate)
    {
        X509Certificate2 last = chain.ChainElements.Count > 0 ? chain.ChainElements[^1].Certificate : certificate;
        bool isItself = last.Thumbprint == certificate.Thumbprint;
        return isItself && certificate.Subject == certificate.Issuer ? "itself"
            : isItself ? $"another {Visible(certificate.Issuer)}"
            : $"{Visible(last.Subject)} ({ShortPrintOf(last)})";
    }
}
