// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.CommandLine.Parsing;
using KvmActors.Host.Cli.Verbs;

namespace KvmActors.Host.Cli;

/// <summary>The program: from arguments to an exit code.</summary>
internal static class KvmActorsProgram
{
    private const string Description =
        "Runs x86-64 virtual machines as actors: each vCPU is an actor with a journal, and can move to another node "
        + "while it runs.";

    /// <summary>Runs one verb. Never throws, but for what no program survives.</summary>
    /// <param name="stop">Ends the verb as SIGTERM does.</param>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> arguments, CliTerminal terminal, CancellationToken stop)
    {
        ParseResult parsed = Build(terminal).Parse(arguments);
        if (parsed.Errors.Count > 0 && parsed.Action is not VerbHelp)
        {
            return ReportUsage(parsed, terminal);
        }

        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration
                {
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null,
                    Output = terminal.Out,
                    Error = terminal.Error,
                },
                stop).ConfigureAwait(false);
        }
        catch (Exception fault)
        {
            return FaultText.Report(fault, terminal);
        }
    }

    public static RootCommand Build(CliTerminal terminal)
    {
        RootCommand root = new(Description)
        {
            DemoVerb.Build(terminal),
            RunVerb.Build(terminal),
            NodeVerbs.Build(terminal),
            ClusterVerbs.Build(terminal),
            VmVerbs.Build(terminal),
            VcpuVerbs.Build(terminal),
            JournalVerbs.Build(terminal),
            DebugVerbs.Build(terminal),
            StoreVerbs.Build(terminal),
            CpuidVerbs.Build(terminal),
            CertVerbs.Build(terminal),
        };
        VerbHelp.AddTo(root);
        return root;
    }

    private static int ReportUsage(ParseResult parsed, CliTerminal terminal)
    {
        string path = PathOf(parsed.CommandResult);
        bool wantsVerb = parsed.CommandResult.Command.Subcommands.Count > 0;
        if (wantsVerb && parsed.UnmatchedTokens.Count == 0)
        {
            string verbs = string.Join(", ", parsed.CommandResult.Command.Subcommands.Select(verb => verb.Name));
            terminal.Error.WriteLine($"kvmactors: Expected a verb behind {path}, found none. Choose one of: {verbs}.");
        }

        foreach (ParseError error in parsed.Errors.Where(_ => !wantsVerb || parsed.UnmatchedTokens.Count > 0)
            .DistinctBy(error => error.Message))
        {
            // "Required command was not provided" says nothing beside the word that is no command.
            if (!wantsVerb || error.Message.Contains('\'', StringComparison.Ordinal))
            {
                terminal.Error.WriteLine($"kvmactors: {error.Message}");
            }
        }

        terminal.Error.WriteLine($"Try: {path} --help");
        return CliFault.Usage;
    }

    private static string PathOf(CommandResult result) => result.Parent is CommandResult parent
        ? $"{PathOf(parent)} {result.Command.Name}"
        : "kvmactors";
}
