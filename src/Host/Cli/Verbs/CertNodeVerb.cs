// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using KvmActors.Host.Security;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>cert node NAME</c></summary>
internal static class CertNodeVerb
{
    private const int DaysDefault = 365;

    private const string Remarks = """
        NAME is the node's name in its configuration (node.name): peers take the certificate from that node alone.
        --address names the hosts at which clients ask it. They check that what they dialled is among them; localhost,
        127.0.0.1, ::1 and NAME always are.

        Give NAME.crt, NAME.key and ca.crt to the node, in one folder; then tls.certificate = "…/NAME.crt" is all that
        its configuration needs. A running node takes a renewed pair without a restart.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors cert node node-1 --address 10.0.0.1",
        "kvmactors cert node node-2 --address 10.0.0.2 --address node-2.example --days 90",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> name = new("NAME") { Description = "The node's name" };
        Option<string[]> address = new("--address")
        {
            Description = "IP address or host name at which it is asked; as often as needed",
            HelpName = "HOST",
        };
        Option<string> folder = CertVerbs.Folder();
        Option<ulong?> days = CertVerbs.Days(DaysDefault);
        Option<bool> json = VerbOptions.Json("what was made");
        VerbCommand verb = new("node", "Make a node's certificate.", Remarks, s_examples)
        {
            name, address, folder, days, json,
        };
        verb.SetAction(parsed =>
        {
            CertificateIdentity identity = new(CertificateRole.Node, parsed.GetRequiredValue(name));
            string[] hosts =
                ["localhost", "127.0.0.1", "::1", identity.Name, .. parsed.GetValue(address) ?? []];
            CertReport made = new CertFiles(parsed.GetValue(folder)!, TimeProvider.System.GetUtcNow())
                .Make(identity, [.. hosts.Distinct()], parsed.GetValue(days), DaysDefault);
            Print(made, parsed.GetValue(json), terminal);
            return 0;
        });
        return verb;
    }

    /// <summary>What was made.</summary>
    public static void Print(CertReport made, bool isJson, CliTerminal terminal)
    {
        if (isJson)
        {
            CliJson.Write(terminal.Out, made);
        }
        else
        {
            made.Write(terminal);
        }
    }
}
