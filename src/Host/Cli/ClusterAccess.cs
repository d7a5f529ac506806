// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using KvmActors.Host.Configuration;
using KvmActors.Host.Control;
using KvmActors.Host.Security;

namespace KvmActors.Host.Cli;

/// <summary>How a verb finds a cluster and shows who asks: <c>--at</c>, <c>--cert</c>, <c>--key</c>, <c>--ca</c>, or
/// the environment's <c>KVMACTORS_AT</c>, <c>_CERT</c>, <c>_KEY</c> and <c>_CA</c>.</summary>
/// <param name="at">Another name where --at is a moment.</param>
internal sealed class ClusterAccess(string at = "--at")
{
    public const string CertificateVariable = "KVMACTORS_CERT";
    public const string KeyVariable = "KVMACTORS_KEY";
    public const string AuthorityVariable = "KVMACTORS_CA";

    public Option<string?> At { get; } = VerbOptions.At(at);

    public Option<string?> Certificate { get; } = FileOption(
        "--cert", $"Certificate to ask with; needed beyond loopback [default: ${CertificateVariable}]");

    public Option<string?> Key { get; } = FileOption(
        "--key", $"Its private key [default: ${KeyVariable}, or --cert with the ending .key]");

    public Option<string?> Authority { get; } = FileOption(
        "--ca", $"The cluster's authority [default: ${AuthorityVariable}, or ca.crt beside --cert]");

    public void AddTo(Command verb)
    {
        verb.Add(At);
        AddCertificatesTo(verb);
    }

    /// <summary>All but <see cref="At"/>: for a verb that names its node in another way.</summary>
    public void AddCertificatesTo(Command verb)
    {
        verb.Add(Certificate);
        verb.Add(Key);
        verb.Add(Authority);
    }

    /// <exception cref="CliFault">A certificate is needed, or is not what it should be.</exception>
    public ControlClient Connect(ParseResult parsed) => Connect(
        Find(parsed, At, VerbOptions.AtVariable) ?? VerbOptions.AtDefault, parsed);

    /// <inheritdoc cref="Connect(ParseResult)"/>
    public ControlClient Connect(string address, ParseResult parsed) => new(address, CredentialsFor(address, parsed));

    /// <returns>Null: without TLS.</returns>
    /// <inheritdoc cref="Connect(ParseResult)"/>
    public TlsCredentials? CredentialsFor(string address, ParseResult parsed)
    {
        string? certificate = Find(parsed, Certificate, CertificateVariable);
        string? key = Find(parsed, Key, KeyVariable);
        string? authority = Find(parsed, Authority, AuthorityVariable);
        if (certificate is not null)
        {
            return TlsCredentials.OfClient(TlsFiles.Of(certificate, key, authority), TimeProvider.System);
        }

        if (key is not null || authority is not null)
        {
            throw new CliFault(
                $"Expected --cert beside {(key is null ? "--ca" : "--key")}, found none. Name the certificate that you "
                + "ask with.",
                exitCode: CliFault.Usage);
        }

        bool isLoopback = LinkAddress.TryParseHost(address, out string? host, out _) && LinkAddress.IsLoopback(host);
        return isLoopback ? null : throw new CliFault(
            $"Expected a certificate to ask {address} with, which is not loopback; found none. Name yours with --cert "
            + $"or {CertificateVariable}. kvmactors cert operator NAME makes one.");
    }

    private static string? Find(ParseResult parsed, Option<string?> option, string variable) =>
        parsed.GetValue(option) is { Length: > 0 } given ? given
        : parsed.GetResult(option) is null && Environment.GetEnvironmentVariable(variable) is { Length: > 0 } set ? set
        : null;

    private static Option<string?> FileOption(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "FILE",
    };
}
