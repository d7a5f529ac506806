// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using KvmActors.Host.Security;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>cert operator NAME</c> and <c>cert viewer NAME</c></summary>
internal static class CertPersonVerb
{
    private const int DaysDefault = 365;

    private const string HowToUse = """
        NAME stands in the nodes' logs beside what was done. Give NAME.crt, NAME.key and ca.crt to that person, in one
        folder; then --cert …/NAME.crt, or KVMACTORS_CERT in the environment, is all that the verbs need.
        """;

    public static Command Operator(CliTerminal terminal) => Build(
        CertificateRole.Operator,
        "Make the certificate of somebody who may do everything.",
        HowToUse,
        ["kvmactors cert operator alice", "kvmactors cert operator deploy --dir fleet-pki --days 30 --json"],
        terminal);

    public static Command Viewer(CliTerminal terminal) => Build(
        CertificateRole.Viewer,
        "Make the certificate of somebody who may look and change nothing.",
        "A viewer sees cluster, VMs, vCPUs and consoles. What a guest prints on its console is for viewers too; its\n"
        + "memory (vm save) is not.\n\n" + HowToUse,
        ["kvmactors cert viewer bob", "kvmactors cert viewer dashboard --days 30"],
        terminal);

    private static VerbCommand Build(
        CertificateRole role, string description, string remarks, string[] examples, CliTerminal terminal)
    {
        Argument<string> name = new("NAME") { Description = "Who it is for" };
        Option<string> folder = CertVerbs.Folder();
        Option<ulong?> days = CertVerbs.Days(DaysDefault);
        Option<bool> json = VerbOptions.Json("what was made");
        VerbCommand verb = new(CertificateIdentity.WordOf(role), description, remarks, examples)
        {
            name, folder, days, json,
        };
        verb.SetAction(parsed =>
        {
            CertReport made = new CertFiles(parsed.GetValue(folder)!, TimeProvider.System.GetUtcNow()).Make(
                new CertificateIdentity(role, parsed.GetRequiredValue(name)),
                [],
                parsed.GetValue(days),
                DaysDefault);
            CertNodeVerb.Print(made, parsed.GetValue(json), terminal);
            return 0;
        });
        return verb;
    }
}
