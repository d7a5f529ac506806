// SPDX-License-Identifier: Apache-2.0

using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Simulation.Tests;

/// <summary>Five hundred lives of a cluster, in two halves that run side by side. What must hold:
/// <see cref="ClusterRun"/>.</summary>
public abstract class ManySeedsTests(ITestOutputHelper output, ulong firstSeed)
{
    private const int SeedsOfOne = 25;
    private const int Parts = 10;

    /// <summary>Numbers of the parts.</summary>
    public static TheoryData<int> All() => [.. Enumerable.Range(0, Parts)];

    [Theory]
    [MemberData(nameof(All))]
    public void A_cluster_in_trouble_loses_nothing_repeats_nothing_and_recovers(int part)
    {
        ulong first = firstSeed + ((ulong)part * SeedsOfOne);
        for (ulong seed = first; seed < first + SeedsOfOne; seed++)
        {
            output.WriteLine(ClusterRun.Execute(seed, ClusterSimulationTests.GuestOf(seed)).ToString());
        }
    }

    public sealed class FirstHalf(ITestOutputHelper output) : ManySeedsTests(output, firstSeed: 1);

    public sealed class SecondHalf(ITestOutputHelper output)
        : ManySeedsTests(output, firstSeed: 1 + (SeedsOfOne * Parts));
}
