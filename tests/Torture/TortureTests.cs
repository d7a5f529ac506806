// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using KvmActors.Torture.Cluster;
using Xunit.Abstractions;

namespace KvmActors.Torture;

/// <summary>Five nodes as processes, each in its own network namespace, live through a seeded schedule of trouble while
/// clients work with their VMs. Then all is healed, every VM must go on, and an audit in SQL looks at what the store
/// holds and what the clients saw.</summary>
/// <remarks>KVMACTORS_TORTURE says for how long, KVMACTORS_SEED repeats schedule and choices, though not the processes'
/// own timing, KVMACTORS_TORTURE_STORE takes one store alone.</remarks>
public sealed class TortureTests(ITestOutputHelper output)
{
    [TortureFact("sqlite")]
    public Task Five_nodes_on_one_sqlite_file_lose_and_repeat_nothing_whatever_is_done_to_them() =>
        TortureAsync("sqlite", folder => Task.FromResult(TortureStore.OnSqlite(folder)));

    [TortureFact("postgres")]
    public Task Five_nodes_on_a_postgres_server_lose_and_repeat_nothing_whatever_is_done_to_them_and_to_it() =>
        TortureAsync("postgres", TortureStore.OnPostgresAsync);

    private async Task TortureAsync(string name, Func<string, Task<TortureStore>> open)
    {
        var options = TortureOptions.Read();
        string choices = string.Create(
            CultureInfo.InvariantCulture,
            $"{TortureOptions.SecondsVariable}={options.Trouble.TotalSeconds:0}s "
            + $"{TortureOptions.SeedVariable}={options.Seed} {TortureOptions.StoreVariable}={name} "
            + $"{TortureOptions.LinksVariable}={(options.HasTls ? "tls" : "plain")}");
        output.WriteLine(choices);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("kvmactors-torture-");
        RunLog log = new();

        // A server runs as another user, and its files are inside.
        OutsideProgram.Run("chmod", "go+x", folder.FullName);
        try
        {
            using NodeNetwork network = new(TortureRun.NodeCount);
            await using TortureStore store = await open(Path.Combine(folder.FullName, "disk"));
            ClusterCertificates? certificates = options.HasTls
                ? await ClusterCertificates.MakeAsync(Path.Combine(folder.FullName, "pki"), TortureRun.NodeCount)
                : null;
            await using TortureRun run = new(options, store, network, certificates, folder.FullName, log);
            try
            {
                await run.LiveAsync();
                ImmutableArray<string> breaches = await run.AuditAsync();
                Assert.True(breaches.IsEmpty, string.Join('\n', breaches));
                output.WriteLine(run.Summary);
            }
            catch (Exception fault)
            {
                string evidence = run.KeepEvidence($"torture-{name}-{options.Seed}");
                throw new InvalidOperationException(
                    $"{choices}\nThe last events of all nodes, of the clients and of the nemesis, in order of time: "
                    + $"{evidence}\n{fault.Message}",
                    fault);
            }
        }
        finally
        {
            output.WriteLine(log.Text(who => who is "nemesis" || who.StartsWith("node", StringComparison.Ordinal)));
            folder.Delete(recursive: true);
        }
    }
}
