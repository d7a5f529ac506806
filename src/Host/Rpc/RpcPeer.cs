// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Security;

namespace KvmActors.Host.Rpc;

/// <summary>Who is at the other end of a connection, as its certificate says.</summary>
/// <param name="Remote">Address and port.</param>
/// <param name="Print">SHA-256 of the certificate; empty where there was none.</param>
internal sealed record RpcPeer(string Remote, string Print, CertificateVerdict Verdict)
{
    private string _noted = "";

    /// <summary>True where it is not what was noted last.</summary>
    public bool IsNews(string what) => Interlocked.Exchange(ref _noted, what) != what;

    /// <summary>Null: its certificate was refused.</summary>
    public CertificateIdentity? Identity => (Verdict as CertificateVerdict.Accepted)?.Identity;

    /// <summary>Judges the certificate anew, for a call that outlives the look at its beginning.</summary>
    public Func<CertificateVerdict>? Rejudge { get; init; }

    /// <exception cref="RpcException">Unauthenticated: its certificate is no longer good.</exception>
    public void ThrowIfNoLongerGood()
    {
        if (Rejudge?.Invoke() is CertificateVerdict.Refused refused)
        {
            throw new RpcException(RpcStatus.Unauthenticated, refused.Reason);
        }
    }
}
