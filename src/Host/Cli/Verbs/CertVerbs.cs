// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>cert …</c>: an authority and the certificates of a first cluster.</summary>
internal static class CertVerbs
{
    /// <summary>Where certificates are kept if nobody says otherwise.</summary>
    public const string FolderDefault = "pki";

    public static Command Build(CliTerminal terminal) => new(
        "cert", "Make the certificates by which nodes and people know each other.")
    {
        CertAuthorityVerb.Build(terminal),
        CertNodeVerb.Build(terminal),
        CertPersonVerb.Operator(terminal),
        CertPersonVerb.Viewer(terminal),
        CertShowVerb.Build(terminal),
    };

    public static Option<string> Folder() => new("--dir")
    {
        Description = "Folder of ca.crt and ca.key, where the new files go too",
        HelpName = "DIR",
        DefaultValueFactory = _ => FolderDefault,
    };

    /// <param name="byDefault">Days.</param>
    public static Option<ulong?> Days(int byDefault) => VerbOptions.Count(
        "--days", $"How long it is valid, from 1 to {CertFiles.DaysMax} [default: {byDefault}]", "DAYS");
}
