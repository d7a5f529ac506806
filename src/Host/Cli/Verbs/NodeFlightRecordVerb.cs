// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Globalization;
using KvmActors.Host.Flight;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>node flight-record</c></summary>
internal static class NodeFlightRecordVerb
{
    private const string Remarks = """
        Each life of a node keeps its last events in a file of its own, in flight.folder of its configuration: commits
        and what became of them, calls of other nodes without an answer, lost leases, deaths, claims, moves, failures.
        It can be read while the node runs, hangs or is stopped, and after it was killed. Times are those of the
        machine's monotonic clock where all files are of one boot of one machine, else of the wall clock.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors node flight-record flight",
        "kvmactors node flight-record flight/node-1.4711.flight flight/node-2.4712.flight --json",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string[]> paths = new("PATH")
        {
            Description = "Files of nodes, or folders of such",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<bool> json = VerbOptions.Json("one event a line");
        VerbCommand verb = new(
            "flight-record", "Show the last events of nodes, of all together in order of time.", Remarks, s_examples)
        {
            paths, json,
        };
        verb.SetAction(parsed =>
        {
            foreach (FlightEvent happened in FlightFile.ReadAll(parsed.GetRequiredValue(paths)))
            {
                if (parsed.GetValue(json))
                {
                    CliJson.WriteLine(terminal.Out, happened);
                }
                else
                {
                    terminal.Out.WriteLine(Line(happened));
                }
            }

            return 0;
        });
        return verb;
    }

    private static string Line(FlightEvent happened)
    {
        double seconds = happened.MonotonicNs / 1e9;
        string what = FaultText.Visible(happened.What);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{happened.At:yyyy-MM-ddTHH:mm:ss.fffZ} {seconds,14:0.000000} {happened.Node,-10} {what}");
    }
}
