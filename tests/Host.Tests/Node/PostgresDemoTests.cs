// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Host.Tests.Cli;
using KvmActors.Persistence.Tests.Postgres;

namespace KvmActors.Host.Tests.Node;

/// <summary>The whole story on a PostgreSQL server: three node processes, a migration, a killed node, a takeover, and
/// the journal replayed.</summary>
public sealed class PostgresDemoTests
{
    [PostgresFact]
    public async Task A_guest_that_moves_and_loses_its_node_is_the_guest_that_did_not()
    {
        await using PrivatePostgres server = await PrivatePostgres.StartAsync();
        string store = server.Text("demo");
        using NodeProcess demo = new("demo", "--store", store, "--json");

        (string output, int exitCode, string errors) = await demo.OutputAsync();

        Assert.True(exitCode == 0, errors);
        using var report = JsonDocument.Parse(output);
        JsonElement holds = report.RootElement.GetProperty("verification");
        Assert.True(holds.GetProperty("allHold").GetBoolean());
        Assert.Equal(3ul, report.RootElement.GetProperty("failover").GetProperty("epoch").GetUInt64());
        CliRun verified = await CliRun.OfAsync("journal", "verify", "--store", store);
        Assert.Equal((0, ""), (verified.ExitCode, verified.Error));
        Assert.StartsWith("Sound: ", verified.Out, StringComparison.Ordinal);
        CliRun gone = await CliRun.OfAsync("journal", "list", "--store", server.Text("nowhere"));
        Assert.Equal(CliFault.Refused, gone.ExitCode);
        Assert.Contains("found no tables in the schema nowhere", gone.Error, StringComparison.Ordinal);
    }
}
