// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Snapshots;

namespace KvmActors.Persistence.Tests.Snapshots;

public class SnapshotRetentionTests
{
    [Theory]
    [InlineData(3, 0, "0 1 2 3 4 5", "1 2")]
    [InlineData(1, 0, "0 1 2", "1")]
    [InlineData(1, 0, "0", "")]
    [InlineData(0, 0, "0 1", "")]
    [InlineData(9, 0, "0 1 2", "")]
    [InlineData(2, 3, "0 1 2 3 4 5 6 7 8 9", "1 2 4 5 7")]
    [InlineData(2, 100, "0 1 2 3 4 5", "1 2 3")]
    [InlineData(2, 1, "0 1 2 3 4 5", "")]
    [InlineData(1, 0, "", "")]
    public void What_need_not_stay_is_dropped(int latest, ulong spacing, string ids, string dropped)
    {
        Assert.Equal(Numbers(dropped), new SnapshotRetention(latest, spacing).Dropped(Numbers(ids)));
    }

    [Fact]
    public void However_it_is_applied_no_gap_is_wider_than_the_spacing_and_little_is_kept()
    {
        SnapshotRetention retention = new(Latest: 4, Spacing: 10);
        List<ulong> ids = [];
        for (ulong id = 0; id < 1_000; id++)
        {
            ids.Add(id);
            ids.RemoveAll(retention.Dropped(ids).Contains);

            Assert.Equal(0ul, ids[0]);
            Assert.Equal(id, ids[^1]);
            Assert.All(ids.Zip(ids.Skip(1)), pair => Assert.InRange(pair.Second - pair.First, 1ul, 10ul));
            Assert.InRange(ids.Count, 1, (int)(id / 5) + 6);
        }

        Assert.InRange(ids.Count, 100, 110);
    }

    private static ulong[] Numbers(string text) =>
        [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(ulong.Parse)];
}
