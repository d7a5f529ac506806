// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using KvmActors.Host.Configuration;
using KvmActors.Host.Node;
using Microsoft.Extensions.Logging;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>node …</c>, and <c>node run</c>.</summary>
internal static class NodeVerbs
{
    private const string Remarks = """
        The configuration is HOCON; every key is explained in hocon/reference.conf, which holds its default. A file with
        several nodes (kvmactors.nodes.NAME) wants --node NAME.

        When the node has joined, one line goes to stdout: where it listens, or with --json an object with node, link
        and pid. The log goes to stderr. SIGTERM and Ctrl-C move its VMs to other nodes while they run, as long as
        node.drain-timeout says; what is left settles, and is taken over by other nodes.

        Exit codes: 0 it was asked to stop, or to drain; 1 it could not start, or its peers declared it dead;
        2 wrong arguments.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors node run --config hocon/node.conf",
        "kvmactors node run --config hocon/three-nodes.conf --node node-2",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Option<string?> config = new("--config")
        {
            Description = "A HOCON file [default: all defaults]",
            HelpName = "FILE",
        };
        Option<string?> node = new("--node") { Description = "Which node of the file this is", HelpName = "NAME" };
        Option<bool> untilInputEnds = new("--until-input-ends")
        {
            Description = "Stop when standard input ends too, so that the node ends with the program that started it",
        };
        Option<bool> json = VerbOptions.Json("where the node listens");
        VerbCommand run = new("run", "Run one node of a cluster.", Remarks, s_examples)
        {
            config, node, untilInputEnds, json,
        };
        run.SetAction((parsed, stop) => RunAsync(
            ConfigurationLoader.Load(parsed.GetValue(config), parsed.GetValue(node)),
            parsed.GetValue(untilInputEnds),
            parsed.GetValue(json),
            terminal,
            stop));
        return new Command("node", "Run the nodes of a cluster, and drain them.")
        {
            run, NodeDrainVerb.Build(terminal), NodeFlightRecordVerb.Build(terminal),
        };
    }

    private static async Task<int> RunAsync(
        HostOptions options, bool untilInputEnds, bool isJson, CliTerminal terminal, CancellationToken stop)
    {
        using ILoggerFactory logs = CreateLogs(options.LogLevel, terminal);
        NodeHost host = await NodeHost.StartAsync(options, logs, stop).ConfigureAwait(false);
        await using (host.ConfigureAwait(false))
        {
            ReportReady(host, isJson, terminal);
            using var ends = CancellationTokenSource.CreateLinkedTokenSource(stop);
            Task rehearsal = options.Node.Rehearses ? host.RehearseAsync(ends.Token) : Task.CompletedTask;
            var asked = Task.Delay(Timeout.InfiniteTimeSpan, stop);
            Task input = untilInputEnds ? terminal.Input.CopyToAsync(Stream.Null, stop) : asked;
            Task first = await Task.WhenAny(asked, input, host.Node.Drained, host.Node.DeclaredDead)
                .ConfigureAwait(false);
            await ends.CancelAsync().ConfigureAwait(false);
            await rehearsal.ConfigureAwait(false);
            if (first == host.Node.DeclaredDead)
            {
                throw new CliFault(
                    $"Expected {host.Node.Id} to be alive to its peers, found it declared dead: its lease ran out. "
                    + "Its VMs run elsewhere; start the node again, and look at what kept it from the store.");
            }

            await host.DrainAsync().ConfigureAwait(false);
            await host.StopAsync().ConfigureAwait(false);
            return 0;
        }
    }

    private static void ReportReady(NodeHost host, bool isJson, CliTerminal terminal)
    {
        if (isJson)
        {
            CliJson.WriteLine(
                terminal.Out,
                new { Node = host.Node.Id.ToString(), Link = host.Address, Pid = Environment.ProcessId });
        }
        else
        {
            terminal.Out.WriteLine($"{host.Node.Id} listens at {host.Address}.");
        }
    }

    private static ILoggerFactory CreateLogs(LogLevel level, CliTerminal terminal) => LoggerFactory.Create(
        builder => builder
            .SetMinimumLevel(level)
            .AddFilter("Microsoft", LogLevel.Warning)
            .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None)
            .AddProvider(new TerminalLogs(terminal)));
}
