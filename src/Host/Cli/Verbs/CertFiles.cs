// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using KvmActors.Host.Security;

namespace KvmActors.Host.Cli.Verbs;

/// <summary>A folder of certificates: <c>ca.crt</c>, <c>ca.key</c>, and a pair of files for each name.</summary>
internal sealed class CertFiles(string folder, DateTimeOffset now)
{
    public const int DaysMax = 36_500;

    private readonly CertificateMaker _maker = new(now);

    /// <exception cref="CliFault">The folder holds an authority already, or cannot be written.</exception>
    public CertReport MakeAuthority(string name, ulong? days, int daysDefault)
    {
        using X509Certificate2 made = _maker.MakeAuthority(name, Duration(days, daysDefault));
        return Write(TlsFiles.AuthorityName, made);
    }

    /// <exception cref="CliFault">There is no authority, the name is none or taken, or a host is none.</exception>
    public CertReport Make(CertificateIdentity identity, IReadOnlyList<string> hosts, ulong? days, int daysDefault)
    {
        if (!CertificateIdentity.IsName(identity.Name) || identity.Name == TlsFiles.AuthorityName)
        {
            throw new CliFault(
                $"Expected a name of 1 to 63 characters a-z, 0-9 and '-', first a letter, and not "
                + $"{TlsFiles.AuthorityName}; found \"{identity.Name}\". Choose such a name.",
                exitCode: CliFault.Usage);
        }

        string? wrong = hosts.FirstOrDefault(host => Uri.CheckHostName(host) == UriHostNameType.Unknown);
        if (wrong is not null)
        {
            throw new CliFault(
                $"Expected an IP address or a host name, without a port, for --address; found \"{wrong}\".",
                exitCode: CliFault.Usage);
        }

        TimeSpan validFor = Duration(days, daysDefault);
        using X509Certificate2 authority = ReadAuthority();
        if (authority.NotAfter <= now)
        {
            throw new CliFault(
                $"Expected an authority that is valid at {PathOf(TlsFiles.AuthorityName, TlsFiles.CertificateEnding)}, "
                + $"found one that expired {CertificateCheck.TextOf(authority.NotAfter)}. Make a new one in another "
                + "--dir, and give it to all nodes.");
        }

        using X509Certificate2 made = _maker.Make(authority, identity, hosts, validFor);
        return Write(identity.Name, made);
    }

    private static TimeSpan Duration(ulong? days, int byDefault) => (days ?? (ulong)byDefault) is >= 1 and <= DaysMax
        ? TimeSpan.FromDays(days ?? (ulong)byDefault)
        : throw new CliFault(
            string.Create(
                CultureInfo.InvariantCulture, $"Expected from 1 to {DaysMax} days for --days, found {days}."),
            exitCode: CliFault.Usage);

    private X509Certificate2 ReadAuthority()
    {
        string certificate = PathOf(TlsFiles.AuthorityName, TlsFiles.CertificateEnding);
        if (!File.Exists(certificate))
        {
            throw new CliFault(
                $"Expected the cluster's authority at {certificate}, found no such file. Make one with: "
                + $"kvmactors cert ca --dir {folder}");
        }

        return PemFile.ReadWithKey(
            certificate, PathOf(TlsFiles.AuthorityName, TlsFiles.KeyEnding), "the authority", "the authority");
    }

    private CertReport Write(string name, X509Certificate2 made)
    {
        string certificate = PathOf(name, TlsFiles.CertificateEnding);
        string key = PathOf(name, TlsFiles.KeyEnding);
        foreach (string path in (string[])[certificate, key])
        {
            if (Path.Exists(path))
            {
                throw PemFile.Exists(path);
            }
        }

        PemFile.CreateFolder(folder);
        PemFile.WriteKey(key, made);
        PemFile.WriteCertificate(certificate, made);
        return CertReport.Of(made, now) with { File = certificate, KeyFile = key };
    }

    private string PathOf(string name, string ending) => Path.Combine(folder, name + ending);
}
