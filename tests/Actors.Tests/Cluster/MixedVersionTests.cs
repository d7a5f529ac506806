// SPDX-License-Identifier: Apache-2.0

using Google.Protobuf;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Migration;
using KvmActors.Actors.Vm;
using KvmActors.Actors.Wire;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence.Events;
using Xunit;

namespace KvmActors.Actors.Tests.Cluster;

/// <summary>Nodes that write two adjacent versions, in one cluster.</summary>
public sealed class MixedVersionTests
{
    [Theory]
    [InlineData("node-1", 91)]
    [InlineData("node-2", 92)]
    public void A_guest_moves_both_ways_and_is_taken_over_from_either_and_ends_as_its_twin(string victim, ulong seed)
    {
        MigrationLimits always = MigrationLimits.Default with { Compression = PageCompression.Always };
        TestCluster cluster = new(seed) { Migration = always };
        _ = cluster.Add("node-1", HostVendor.Intel, writeVersion: 1);
        _ = cluster.Add("node-2", HostVendor.Amd, writeVersion: 2);

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            await cluster.CreateAsync("node-1");
            await cluster.OrderAsync("node-2", new VmCommand.Start());
            await cluster.WaitForAsync("node-2", status => status.VmTime > 5_000_000);
            ulong raw = await MoveAsync(cluster, "node-2");
            ulong packed = await MoveAsync(cluster, "node-1");
            if (victim == "node-2")
            {
                _ = await MoveAsync(cluster, "node-2");
            }

            string other = victim == "node-1" ? "node-2" : "node-1";
            cluster[victim].Process.Kill();
            VmStatus end = await cluster.WaitForAsync(other, status => status.Lifecycle == VmLifecycle.Ended);

            Assert.Equal((victim, other), (end.Recovery!.From!.Value.Name, end.Owner!.Value.Name));
            Assert.True(packed < raw, $"{packed} bytes in version 2, {raw} in version 1");
            await MigrationTests.AssertEqualToTwinAsync(cluster);
        });
    }

    [Theory]
    [InlineData(1, 1, 2, 1, true)]
    [InlineData(2, 1, 2, 1, true)]
    [InlineData(2, 1, 1, 1, false)]
    [InlineData(1, 1, 1, 1, true)]
    [InlineData(2, 2, 3, 2, true)]
    [InlineData(2, 2, 3, 3, false)]
    [InlineData(1, 2, 3, 2, false)]
    [InlineData(2, 3, 4, 4, false)]
    public void Nodes_work_together_that_read_what_the_other_writes(
        uint writes, uint readsFrom, uint readsTo, uint otherWrites, bool fits)
    {
        LinkHello own = new() { ReadsFrom = 1, ReadsTo = 2, Writes = writes };
        LinkHello other = new() { ReadsFrom = readsFrom, ReadsTo = readsTo, Writes = otherWrites };

        string? fault = PeerVersions.Fault("node-9#1", own, other);

        Assert.Equal(fits, fault is null);
        Assert.Equal(!fits, fault?.Contains("compat.write-version", StringComparison.Ordinal) ?? false);
    }

    [Fact]
    public void A_version_that_both_read_is_named_and_one_that_is_too_far_is_called_so()
    {
        LinkHello own = new() { ReadsFrom = 1, ReadsTo = 2, Writes = 2 };

        string? older = PeerVersions.Fault("old#1", own, new LinkHello { ReadsFrom = 1, ReadsTo = 1, Writes = 1 });
        string? later = PeerVersions.Fault("new#1", own, new LinkHello { ReadsFrom = 3, ReadsTo = 4, Writes = 4 });

        Assert.EndsWith(
            "Set compat.write-version = 1 here, until all nodes are of one version.", older, StringComparison.Ordinal);
        Assert.EndsWith("upgrade in steps of one version.", later, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_of_a_version_to_come_is_refused_with_what_to_do()
    {
        TestCluster cluster = new(seed: 93, HostVendor.Intel);
        cluster.World.Run(() => cluster.StartAllAsync());
        LinkRequest request = new() { Hello = new LinkHello { Writes = 3 }, Writes = 3 };

        InvalidDataException fault = await Assert.ThrowsAsync<InvalidDataException>(() =>
            cluster["node-1"].Node.HandleLinkAsync(request.ToByteArray(), CancellationToken.None));

        Assert.Contains("Set compat.write-version = 2 there", fault.Message, StringComparison.Ordinal);
    }

    private static async Task<ulong> MoveAsync(TestCluster cluster, string to)
    {
        ControlReply reply = await cluster["node-2"].AskAsync(
            new ControlRequest.MigrateVm(cluster.NextCommand(), TestCluster.Vm, to));
        return Assert.IsType<ControlReply.Migrated>(reply).Report.BytesSent;
    }
}
