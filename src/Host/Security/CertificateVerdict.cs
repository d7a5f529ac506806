// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Security;

/// <summary>What came of looking at a peer's certificate. A closed union.</summary>
internal abstract record CertificateVerdict
{
    /// <param name="NotAfter">When it stops being so.</param>
    public sealed record Accepted(CertificateIdentity Identity, DateTimeOffset NotAfter) : CertificateVerdict;

    /// <param name="Reason">Sentences for people on both sides: expected, found, what to do.</param>
    public sealed record Refused(string Reason) : CertificateVerdict;
}
