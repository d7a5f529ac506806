// SPDX-License-Identifier: Apache-2.0

using KvmActors.TestKit.Simulation;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Simulation.Tests.Mutations;

/// <summary>A simulation that misses a guard that is off proves nothing. So each guard is switched off in turn, and the
/// random runs must find it.</summary>
public sealed class MutationTests(ITestOutputHelper output)
{
    private const ulong SeedsMax = 200;

    public static TheoryData<int> Numbers() => [.. Enumerable.Range(0, AllMutations.All.Count)];

    [Theory]
    [MemberData(nameof(Numbers))]
    public void A_guard_that_is_off_is_noticed_within_a_few_seeds(int number)
    {
        Mutation mutation = AllMutations.All[number];
        for (ulong seed = 1; seed <= SeedsMax; seed++)
        {
            if (FindIn(seed, mutation) is { } found)
            {
                output.WriteLine($"{mutation}: noticed in seed {seed} of {SeedsMax} by {found}");
                return;
            }
        }

        Assert.Fail($"With this off nothing was noticed in {SeedsMax} seeds: {mutation}.");
    }

    private static string? FindIn(ulong seed, Mutation mutation)
    {
        try
        {
            ClusterRun.Execute(seed, RunGuest.Model, mutation: mutation);
            return null;
        }
        catch (SimulationException found)
        {
            return $"{found.Invariant ?? "the end of the run"}: {found.Cause}";
        }
    }
}
