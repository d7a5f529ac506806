// SPDX-License-Identifier: Apache-2.0

using System.Security.Cryptography.X509Certificates;
using KvmActors.Host.Security;

namespace KvmActors.Host.Tests.Security;

/// <summary>An authority and certificates of it, in a temporary folder.</summary>
internal sealed class TestPki : IDisposable
{
    private static readonly string[] s_local = ["localhost", "127.0.0.1"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kvmactors-pki-");
    private readonly CertificateMaker _maker;

    public TestPki(TimeProvider? clock = null, string name = "test ca")
    {
        Clock = clock ?? TimeProvider.System;
        _maker = new CertificateMaker(Clock.GetUtcNow());
        Authority = _maker.MakeAuthority(name, TimeSpan.FromDays(10));
        PemFile.WriteCertificate(Path("ca.crt"), Authority);
        PemFile.WriteKey(Path("ca.key"), Authority);
    }

    public TimeProvider Clock { get; }

    public X509Certificate2 Authority { get; }

    public string Folder => _folder.FullName;

    public string Path(string name) => System.IO.Path.Combine(_folder.FullName, name);

    public X509Certificate2 Make(CertificateRole role, string name, TimeSpan? validFor = null) =>
        Make(new CertificateIdentity(role, name), validFor);

    public X509Certificate2 Make(CertificateIdentity identity, TimeSpan? validFor = null) => _maker.Make(
        Authority,
        identity,
        identity.Role == CertificateRole.Node ? s_local : [],
        validFor ?? TimeSpan.FromDays(1));

    /// <summary>Makes one, writes it with its key, and says where.</summary>
    public TlsFiles Write(CertificateRole role, string name, TimeSpan? validFor = null, string? file = null)
    {
        using X509Certificate2 made = Make(role, name, validFor);
        return Write(made, file ?? name);
    }

    public TlsFiles Write(X509Certificate2 made, string file)
    {
        File.Delete(Path(file + ".crt"));
        File.Delete(Path(file + ".key"));
        PemFile.WriteKey(Path(file + ".key"), made);
        PemFile.WriteCertificate(Path(file + ".crt"), made);
        return TlsFiles.Of(Path(file + ".crt"), key: null, authority: null);
    }

    /// <summary>What a client shows that has a new pair.</summary>
    public TlsCredentials Client(CertificateRole role, string name, TimeSpan? validFor = null) =>
        TlsCredentials.OfClient(Write(role, name, validFor), Clock);

    public void Dispose()
    {
        Authority.Dispose();
        _folder.Delete(recursive: true);
    }
}
