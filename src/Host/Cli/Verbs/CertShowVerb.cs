// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Security.Cryptography.X509Certificates;
using KvmActors.Host.Security;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>cert show FILE</c></summary>
internal static class CertShowVerb
{
    private const string Remarks = """
        Says what stands in the file. With --ca it is held against that authority as a node would hold it: expired,
        foreign, without a role.

        Exit codes: 0 it is valid now, and --ca took it; 1 it is not.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors cert show pki/node-1.crt",
        "kvmactors cert show pki/alice.crt --ca pki/ca.crt --json",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> file = new("FILE") { Description = "A certificate in PEM" };
        Option<string?> authority = new("--ca") { Description = "Check that it signed this one", HelpName = "FILE" };
        Option<bool> json = VerbOptions.Json("the same");
        VerbCommand verb = new("show", "Say what a certificate is.", Remarks, s_examples) { file, authority, json };
        verb.SetAction(parsed => Show(
            parsed.GetRequiredValue(file), parsed.GetValue(authority), parsed.GetValue(json), terminal));
        return verb;
    }

    private static int Show(string file, string? authority, bool isJson, CliTerminal terminal)
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        X509Certificate2Collection all = PemFile.ReadCertificates(file, "FILE");
        CertReport report = CertReport.Of(all[0], now) with { File = file };
        CertificateVerdict? verdict = authority is null ? null : CertificateCheck.Of(
            all[0], all, PemFile.ReadCertificates(authority, "--ca"), asServer: false, now);
        string? refusal = (verdict as CertificateVerdict.Refused)?.Reason;
        if (isJson)
        {
            CliJson.Write(
                terminal.Out, new { Certificate = report, Refused = refusal, IsChecked = verdict is not null });
        }
        else
        {
            report.Write(terminal, verdict is null ? null : refusal ?? "the authority signed it, and it is valid");
        }

        bool isValid = now >= report.ValidFrom && now <= report.ValidUntil && refusal is null;
        return isValid ? 0 : CliFault.Refused;
    }
}
