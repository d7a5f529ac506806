// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using KvmActors.Host.Security;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>cert ca</c></summary>
internal static class CertAuthorityVerb
{
    private const int DaysDefault = 3650;

    private const string Remarks = """
        Writes ca.crt, which every node and every client needs, and ca.key, which signs. Whoever has ca.key can make
        himself an operator: keep it on one machine, and off the nodes.

        A second authority is made in another folder. Nodes take several: put both certificates into one file, and name
        that file as tls.ca while the old one is replaced.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors cert ca",
        "kvmactors cert ca --dir fleet-pki --name \"fleet ca\" --days 1825 --json",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Option<string> folder = CertVerbs.Folder();
        Option<string> name = new("--name")
        {
            Description = "What messages call the authority",
            HelpName = "TEXT",
            DefaultValueFactory = _ => "kvmactors ca",
        };
        Option<ulong?> days = CertVerbs.Days(DaysDefault);
        Option<bool> json = VerbOptions.Json("what was made");
        VerbCommand verb = new(TlsFiles.AuthorityName, "Make a cluster's authority.", Remarks, s_examples)
        {
            folder, name, days, json,
        };
        verb.SetAction(parsed =>
        {
            string text = parsed.GetValue(name)!;
            if (string.IsNullOrWhiteSpace(text) || text.Length > 64)
            {
                throw new CliFault(
                    $"Expected 1 to 64 characters for --name, found {text.Length}.", exitCode: CliFault.Usage);
            }

            CertReport made = new CertFiles(parsed.GetValue(folder)!, TimeProvider.System.GetUtcNow())
                .MakeAuthority(text, parsed.GetValue(days), DaysDefault);
            CertNodeVerb.Print(made, parsed.GetValue(json), terminal);
            return 0;
        });
        return verb;
    }
}
