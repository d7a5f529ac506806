// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.TestKit.Simulation;
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

    /// <summary>A file that progress and failing seeds are appended to, as lines of <c>regressions.txt</c>.</summary>
    private const string ProgressVariable = "KVMACTORS_SEED_LOG";

    private const int NewSeeds = 3;

    private const ulong ProgressEvery = 100;

    /// <summary>The seeds of <c>regressions.txt</c>.</summary>
    public static TheoryData<ulong> Regressions() =>
    [
        .. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "regressions.txt"))
            .Where(line => !line.StartsWith('#'))
            .Select(line => ulong.Parse(line.Split(' ')[0], CultureInfo.InvariantCulture)),
    ];

    [Theory]
    [MemberData(nameof(Regressions))]
    public void A_seed_that_once_failed_still_passes(ulong seed) =>
        output.WriteLine(ClusterRun.Execute(seed, GuestOf(seed)).ToString());

    [Fact]
    public void It_holds_for_seeds_that_nobody_has_tried_before()
    {
        ulong first = Given(SeedVariable) ?? (ulong)DateTime.UtcNow.Ticks;
        ulong count = Given(SeedCountVariable) ?? NewSeeds;
        List<string> failures = [];
        for (ulong seed = first; seed < first + count; seed++)
        {
            output.WriteLine($"Trying seed {seed}. Alone: {SeedVariable}={seed} {SeedCountVariable}=1.");
            try
            {
                output.WriteLine(ClusterRun.Execute(seed, GuestOf(seed)).ToString());
            }
            catch (SimulationException failure)
            {
                // A long run goes on: the lines are ready for regressions.txt.
                failures.Add($"{seed} {failure.Invariant}: {failure.Cause}");
                Tell($"{seed} {failure.Invariant}: {failure.Cause}");
                output.WriteLine(failure.Message);
            }

            if ((seed - first + 1) % ProgressEvery == 0)
            {
                Tell($"# {seed - first + 1} of {count} seeds from {first} on, {failures.Count} failed");
            }
        }

        Assert.True(failures.Count == 0, string.Join(Environment.NewLine, failures));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(9)]
    [InlineData(10)]
    public void The_same_seed_gives_the_same_life_of_a_cluster(ulong seed)
    {
        ClusterRunReport once = ClusterRun.Execute(seed, RunGuest.Model);

        ClusterRunReport again = ClusterRun.Execute(seed, RunGuest.Model);

        output.WriteLine(once.ToString());
        Assert.Equal(once, again);
    }

    /// <summary>The same with the real machine and the demo's guest: fewer seeds, since each tick is computed.
    /// </summary>
    [Theory]
    [InlineData(21)]
    [InlineData(22)]
    public void A_real_guest_lives_the_same_life_twice_and_survives_the_same_trouble(ulong seed)
    {
        ClusterRunReport once = ClusterRun.Execute(seed, RunGuest.Story);

        ClusterRunReport again = ClusterRun.Execute(seed, RunGuest.Story);

        output.WriteLine(once.ToString());
        Assert.Equal(once, again);
    }

    [Fact]
    public void Without_trouble_every_move_is_done_and_no_node_takes_over()
    {
        ClusterRunReport quiet = ClusterRun.Execute(seed: 77, RunGuest.Model, FaultPlan.Quiet);

        output.WriteLine(quiet.ToString());
        Assert.True(quiet.MovesDone > 0, "Nothing was moved.");
        Assert.Equal(quiet.MovesDone, quiet.OwnersChanged);
    }

    /// <summary>Every fourth seed has VMs of three vCPUs.</summary>
    internal static RunGuest GuestOf(ulong seed) => seed % 4 == 0 ? RunGuest.ModelOfThree : RunGuest.Model;

    private static void Tell(string line)
    {
        if (Environment.GetEnvironmentVariable(ProgressVariable) is { Length: > 0 } file)
        {
            File.AppendAllLines(file, [line]);
        }
    }

    private static ulong? Given(string variable) =>
        ulong.TryParse(Environment.GetEnvironmentVariable(variable), out ulong number) ? number : null;
}
