// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Host.Configuration;
using KvmActors.Host.Demo;
using KvmActors.Samples.Guests;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>demo</c>: the whole story on this machine.</summary>
internal static class DemoVerb
{
    private const string Remarks = """
        Three nodes as three processes on loopback, with one SQLite file as their store (or, by --store,
        a schema of a PostgreSQL server). A guest boots on node-1, moves
        to node-2 while it runs, node-2 is killed with SIGKILL, another node brings the guest back, a key for which it
        waits is typed at its console, and it runs to its end. Then the journal is replayed by a fourth process, a twin
        runs in this one, and the guest that never moved is compared.

        The built-in guest waits for that key behind three quarters of its rounds, and its instructions go on
        meanwhile; so it may be moved and killed after any number of them.

        The story goes to stdout. With --json it goes to stderr, and stdout holds one object at the end.

        Exit codes: 0 all three comparisons hold; 1 one does not, or something failed; 2 wrong arguments.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors demo",
        "kvmactors demo --migrate-after 20M --kill-after 150M --json",
        "# Keep the journal, to look at it with: kvmactors journal list --store out/store.db",
        "kvmactors demo --keep out",
        "kvmactors demo --store postgres://kvmactors@127.0.0.1/kvmactors?schema=demo",
        "kvmactors demo --guest kernel.elf --vendors amd,intel,amd",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Option<string?> guest = new("--guest")
        {
            Description = "Another guest: a multiboot kernel that comes to an end by itself",
            HelpName = "IMAGE",
        };
        Option<int?> rounds = VerbOptions.Number(
            "--rounds",
            $"Rounds of the built-in guest, of 3.6 million instructions each [default: {DemoOptions.RoundsDefault}]",
            least: 1,
            StoryGuestSize.DemoRoundsMax);
        Option<ulong?> migrateAfter = VerbOptions.Count(
            "--migrate-after", "Move after this many retired instructions [default: a quarter of the work]");
        Option<ulong?> killAfter = VerbOptions.Count(
            "--kill-after",
            "Kill after this many retired instructions [default: two thirds of the work; later if the move was late]");
        Option<ImmutableArray<HostVendor>> vendors = new("--vendors")
        {
            Description = "Host vendor of node-1, node-2 and node-3",
            HelpName = "A,B,C",
            DefaultValueFactory = _ => [HostVendor.Intel, HostVendor.Amd, HostVendor.Intel],
            CustomParser = ParseVendors,
        };
        Option<string?> store = new("--store")
        {
            Description = "Use this PostgreSQL store, which holds no VM of the demo yet [default: an SQLite file]",
            HelpName = "postgres://…",
        };
        Option<string?> keep = new("--keep")
        {
            Description = "Leave store.db, guest.elf, the nodes' configuration and their logs in this directory",
            HelpName = "DIR",
        };
        Option<bool> json = VerbOptions.Json("what was measured and compared");
        VerbCommand verb = new(
            "demo", "Move a running guest, kill its node, and prove that nothing was lost.", Remarks, s_examples)
        {
            guest, rounds, migrateAfter, killAfter, vendors, store, keep, json,
        };
        verb.SetAction((parsed, stop) => RunAsync(
            new DemoOptions(
                parsed.GetValue(guest),
                parsed.GetValue(rounds) ?? DemoOptions.RoundsDefault,
                parsed.GetValue(migrateAfter),
                parsed.GetValue(killAfter),
                parsed.GetValue(vendors),
                parsed.GetValue(store),
                parsed.GetValue(keep),
                parsed.GetValue(json)),
            terminal,
            stop));
        return verb;
    }

    private static async Task<int> RunAsync(DemoOptions options, CliTerminal terminal, CancellationToken stop)
    {
        DemoStory story = new(options, terminal, stop);
        await using (story.ConfigureAwait(false))
        {
            DemoReport report = await story.TellAsync().ConfigureAwait(false);
            if (options.IsJson)
            {
                CliJson.Write(terminal.Out, report);
            }

            return report.Verification.AllHold ? 0 : CliFault.Refused;
        }
    }

    private static ImmutableArray<HostVendor> ParseVendors(ArgumentResult result)
    {
        string text = result.Tokens[^1].Value;
        ImmutableArray<HostVendor> vendors =
        [
            .. text.Split(',').SelectMany(word => ConfigurationWords.Vendors.Where(choice => choice.Word == word))
                .Select(choice => choice.Value),
        ];
        if (vendors.Length != DemoOptions.NodeCount || text.Split(',').Length != DemoOptions.NodeCount)
        {
            result.AddError(
                $"Expected three of intel and amd with commas between for --vendors, found \"{text}\". For instance: "
                + "intel,amd,intel");
        }

        return vendors;
    }
}
