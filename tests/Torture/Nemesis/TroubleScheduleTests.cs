// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Torture.Nemesis;

public sealed class TroubleScheduleTests
{
    private const int Nodes = 5;
    private static readonly TimeSpan s_length = TimeSpan.FromSeconds(80);
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(2);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_same_seed_gives_the_same_schedule(bool isPostgres)
    {
        ImmutableArray<TroubleKind> kinds = TroubleSchedule.KindsOf(isPostgres);

        string Of(int seed) => string.Join('\n', TroubleSchedule.Of(seed, s_length, s_lease, Nodes, kinds));

        Assert.Equal(Of(seed: 7), Of(seed: 7));
        Assert.NotEqual(Of(seed: 7), Of(seed: 8));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Every_kind_of_trouble_comes_to_two_unlike_nodes_before_any_comes_again(bool isPostgres)
    {
        ImmutableArray<TroubleKind> kinds = TroubleSchedule.KindsOf(isPostgres);

        ImmutableArray<TroubleStep> steps = TroubleSchedule.Of(seed: 7, s_length, s_lease, Nodes, kinds);

        Assert.Equal(kinds.Order(), steps.Take(kinds.Length).Select(step => step.Kind).Order());
        Assert.All(steps, step => Assert.InRange(step.Node, 1, Nodes));
        Assert.All(steps, step => Assert.InRange(step.Other, 1, Nodes));
        Assert.All(steps, step => Assert.NotEqual(step.Node, step.Other));
        Assert.Equal(steps.OrderBy(step => step.At), steps);
    }

    [Fact]
    public void A_stopped_node_stands_for_longer_than_its_lease()
    {
        IEnumerable<TroubleStep> stops = TroubleSchedule.Of(
            seed: 7, s_length, s_lease, Nodes, TroubleSchedule.KindsOf(isPostgres: true))
            .Where(step => step.Kind is TroubleKind.StopNode or TroubleKind.CutFromStore);

        Assert.All(stops, step => Assert.True(step.Length > s_lease, step.ToString()));
    }
}
