// SPDX-License-Identifier: Apache-2.0

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using KvmActors.Host.Security;

namespace KvmActors.Host.Tests.Security;

public sealed class CertificateCheckTests : IDisposable
{
    private readonly TestPki _pki = new();

    public void Dispose() => _pki.Dispose();

    [Theory]
    [InlineData("kvmactors:node/node-1", CertificateRole.Node, "node-1")]
    [InlineData("kvmactors:operator/alice", CertificateRole.Operator, "alice")]
    [InlineData("kvmactors:viewer/b", CertificateRole.Viewer, "b")]
    internal void An_identity_is_one_exact_text(string uri, CertificateRole role, string name)
    {
        Assert.True(CertificateIdentity.TryParse(uri, out CertificateIdentity? identity));
        Assert.Equal(new CertificateIdentity(role, name), identity);
        Assert.Equal(uri, identity.Uri);
    }

    [Theory]
    [InlineData("kvmactors:node/")]
    [InlineData("kvmactors:node/Node-1")]
    [InlineData("kvmactors:node/node-1/x")]
    [InlineData("kvmactors:node/node-1 ")]
    [InlineData("KVMACTORS:node/node-1")]
    [InlineData("kvmactors:Operator/alice")]
    [InlineData("kvmactors:root/alice")]
    [InlineData("kvmactors://operator/alice")]
    [InlineData("operator/alice")]
    public void What_is_nearly_an_identity_is_none(string uri) =>
        Assert.False(CertificateIdentity.TryParse(uri, out _));

    [Theory]
    [InlineData(CertificateRole.Operator, false)]
    [InlineData(CertificateRole.Viewer, false)]
    [InlineData(CertificateRole.Node, false)]
    [InlineData(CertificateRole.Node, true)]
    internal void A_certificate_of_the_authority_is_taken_for_who_it_is(CertificateRole role, bool asServer)
    {
        using X509Certificate2 made = _pki.Make(role, "somebody");

        CertificateVerdict.Accepted verdict = Assert.IsType<CertificateVerdict.Accepted>(Judge(made, asServer));

        Assert.Equal(new CertificateIdentity(role, "somebody"), verdict.Identity);
        Assert.Equal(made.NotAfter, verdict.NotAfter.LocalDateTime);
    }

    [Fact]
    public void An_expired_one_is_refused_with_both_times()
    {
        using X509Certificate2 made = _pki.Make(CertificateRole.Operator, "alice", TimeSpan.FromHours(1));

        string reason = ReasonOf(made, after: TimeSpan.FromHours(2));

        Assert.Contains("found one of operator alice that expired ", reason, StringComparison.Ordinal);
        Assert.Contains("; here it is ", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void One_that_is_not_valid_yet_is_refused_with_both_times() => Assert.Contains(
        "that is not yet: its time begins ",
        ReasonOf(_pki.Make(CertificateRole.Operator, "alice"), after: TimeSpan.FromHours(-1)),
        StringComparison.Ordinal);

    [Fact]
    public void A_foreign_one_is_refused_with_the_name_and_print_of_both_authorities()
    {
        using TestPki foreign = new(name: "foreign ca");

        string reason = ReasonOf(foreign.Make(CertificateRole.Operator, "mallory"));

        Assert.Contains(
            $"authority CN=test ca ({CertificateCheck.ShortPrintOf(_pki.Authority)}), found one of operator mallory "
            + "signed by another CN=foreign ca.",
            reason,
            StringComparison.Ordinal);
    }

    [Fact]
    public void One_of_an_authority_of_the_same_name_is_foreign_all_the_same()
    {
        using TestPki twin = new();

        Assert.Contains(
            "signed by another CN=test ca.",
            ReasonOf(twin.Make(CertificateRole.Operator, "alice")),
            StringComparison.Ordinal);
    }

    [Fact]
    public void One_that_signed_itself_is_refused()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=self", key, HashAlgorithmName.SHA256);
        DateTimeOffset now = DateTimeOffset.UtcNow;

        Assert.Contains(
            "found one of CN=self signed by itself.",
            ReasonOf(request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1))),
            StringComparison.Ordinal);
    }

    [Fact]
    public void One_that_another_certificate_signed_is_refused_though_the_authority_signed_that_one()
    {
        using X509Certificate2 alice = _pki.Make(CertificateRole.Operator, "alice");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=forged", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddUri(new Uri("kvmactors:node/node-1"));
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 forged = request.Create(
            alice.SubjectName,
            X509SignatureGenerator.CreateForECDsa(alice.GetECDsaPrivateKey()!),
            alice.NotBefore,
            alice.NotAfter,
            [1, 2, 3]);

        CertificateVerdict verdict = CertificateCheck.Of(
            forged, [alice], [_pki.Authority], asServer: false, DateTimeOffset.UtcNow);

        Assert.IsType<CertificateVerdict.Refused>(verdict);
    }

    [Theory]
    [InlineData()]
    [InlineData("https://example.org/alice")]
    [InlineData("kvmactors:operator/alice", "kvmactors:node/node-1")]
    [InlineData("kvmactors:admin/alice")]
    public void One_without_exactly_one_role_is_refused(params string[] uris)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=alice", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("alice.example");
        foreach (string uri in uris)
        {
            names.AddUri(new Uri(uri));
        }

        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 made = request.Create(
            _pki.Authority, _pki.Authority.NotBefore, DateTimeOffset.UtcNow.AddHours(1), [7]);

        Assert.Contains("names one role", ReasonOf(made), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(CertificateRole.Operator)]
    [InlineData(CertificateRole.Viewer)]
    internal void A_persons_certificate_serves_nothing(CertificateRole role) => Assert.Contains(
        "Expected a certificate for servers",
        ReasonOf(_pki.Make(role, "alice"), asServer: true),
        StringComparison.Ordinal);

    [Fact]
    public void None_is_refused_with_how_to_make_one() =>
        Assert.Contains("kvmactors cert operator", ReasonOf(null), StringComparison.Ordinal);

    [Fact]
    public void An_authority_is_no_peer()
    {
        string reason = ReasonOf(_pki.Authority);

        Assert.Contains("found one of CN=test ca without it", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_two_authorities_either_will_do()
    {
        using TestPki second = new(name: "second ca");
        using X509Certificate2 made = second.Make(CertificateRole.Viewer, "bob");

        Assert.IsType<CertificateVerdict.Accepted>(CertificateCheck.Of(
            made, [], [_pki.Authority, second.Authority], asServer: false, DateTimeOffset.UtcNow));
    }

    [Fact]
    public void A_certificate_does_not_outlive_its_authority()
    {
        using X509Certificate2 made = _pki.Make(CertificateRole.Node, "node-1", TimeSpan.FromDays(1_000));

        Assert.Equal(_pki.Authority.NotAfter, made.NotAfter);
    }

    private CertificateVerdict Judge(X509Certificate2? certificate, bool asServer, TimeSpan after = default) =>
        CertificateCheck.Of(certificate, [], [_pki.Authority], asServer, DateTimeOffset.UtcNow + after);

    private string ReasonOf(X509Certificate2? certificate, bool asServer = false, TimeSpan after = default)
    {
        string reason = Assert.IsType<CertificateVerdict.Refused>(Judge(certificate, asServer, after)).Reason;
        Assert.StartsWith("Expected ", reason, StringComparison.Ordinal);
        certificate?.Dispose();
        return reason;
    }
}
