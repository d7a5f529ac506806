// SPDX-License-Identifier: Apache-2.0

using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Simulation.Tests;

/// <summary>Three real nodes on one seeded thread, with trouble. What must hold: <see cref="ClusterRun"/>.</summary>
public sealed class ClusterSimulationTests(ITestOutputHelper output)
{
    /// <summary>Begin here instead of at a seed from the clock.</summary>
    private const string SeedVariable = "KVMACTORS_SEED";

    /// <summary>Try so many, instead of a few.</summary>
    private const string SeedCountVariable = "KVMACTORS_SEED_COUNT";

    private const int NewSeeds = 3;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(10)]
    public void A_cluster_in_trouble_loses_nothing_repeats_nothing_and_recovers(ulong seed) =>
        output.WriteLine(ClusterRun.Execute(seed).ToString());

    [Fact]
    public void It_holds_for_seeds_that_nobody_has_tried_before()
    {
        ulong first = Given(SeedVariable) ?? (ulong)DateTime.UtcNow.Ticks;
        ulong count = Given(SeedCountVariable) ?? NewSeeds;
        for (ulong seed = first; seed < first + count; seed++)
        {
            output.WriteLine($"Trying seed {seed}. Alone: {SeedVariable}={seed} {SeedCountVariable}=1.");
            output.WriteLine(ClusterRun.Execute(seed).ToString());
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void The_same_seed_gives_the_same_life_of_a_cluster(ulong seed)
    {
        ClusterRunReport once = ClusterRun.Execute(seed);

        ClusterRunReport again = ClusterRun.Execute(seed);

        output.WriteLine(once.ToString());
        Assert.Equal(once, again);
    }

    [Fact]
    public void Without_trouble_every_move_is_done_and_no_node_takes_over()
    {
        ClusterRunReport quiet = ClusterRun.Execute(seed: 77, FaultPlan.Quiet);

        output.WriteLine(quiet.ToString());
        Assert.True(quiet.MovesDone > 0, "Nothing was moved.");
        Assert.Equal(quiet.MovesDone, quiet.OwnersChanged);
    }

    private static ulong? Given(string variable) =>
        ulong.TryParse(Environment.GetEnvironmentVariable(variable), out ulong number) ? number : null;
}
