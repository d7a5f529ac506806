// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using Google.Protobuf;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Migration;
using KvmActors.Actors.Tests.Cluster;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using Xunit;
using LinkReply = KvmActors.Actors.Wire.LinkReply;
using LinkRequest = KvmActors.Actors.Wire.LinkRequest;

namespace KvmActors.Actors.Tests.Migration;

/// <summary>Batches of pages that come before the one they wait for.</summary>
public sealed class EarlyBatchTests
{
    private static readonly MigrationKey s_key =
        new(TestCluster.Vm, new MigrationId("demo-2-9"), new Epoch(2), new NodeId("node-9#4"));

    private static readonly ImmutableArray<MovedPage> s_good =
        [MovedPage.Raw(new CapturedPage(1, new byte[CapturedPage.SizeBytes]))];

    private static readonly ImmutableArray<MovedPage> s_bad =
        [MovedPage.Raw(new CapturedPage(int.MaxValue, new byte[CapturedPage.SizeBytes]))];

    [Fact]
    public void Batches_behind_a_refused_one_are_refused_as_it_is() => Run(seed: 71, async target =>
    {
        Task<MigrationAnswer> third = target.SendAsync(Pages(s_good, 3));
        Task<MigrationAnswer> second = target.SendAsync(Pages(s_good, 2));

        MigrationAnswer first = await target.SendAsync(Pages(s_bad, 1));
        MigrationAnswer fourth = await target.SendAsync(Pages(s_good, 4));

        Refusal why = Assert.IsType<MigrationAnswer.Refused>(first).Why;
        Assert.All(
            [await second, await third, fourth],
            answer => Assert.Equal(why, Assert.IsType<MigrationAnswer.Refused>(answer).Why));
    });

    [Fact]
    public void Batches_behind_an_early_one_that_is_refused_are_refused_as_it_is() => Run(seed: 72, async target =>
    {
        Task<MigrationAnswer> third = target.SendAsync(Pages(s_good, 3));
        Task<MigrationAnswer> second = target.SendAsync(Pages(s_bad, 2));

        Assert.IsType<MigrationAnswer.Accepted>(await target.SendAsync(Pages(s_good, 1)));

        Refusal why = Assert.IsType<MigrationAnswer.Refused>(await second).Why;
        Assert.Equal(why, Assert.IsType<MigrationAnswer.Refused>(await third).Why);
    });

    [Fact]
    public void A_refused_batch_that_comes_again_as_it_should_be_is_taken() => Run(seed: 73, async target =>
    {
        Assert.IsType<MigrationAnswer.Refused>(await target.SendAsync(Pages(s_bad, 1)));

        Task<MigrationAnswer> third = target.SendAsync(Pages(s_good, 3));
        Assert.IsType<MigrationAnswer.Refused>(await third);
        Assert.IsType<MigrationAnswer.Accepted>(await target.SendAsync(Pages(s_good, 1)));
        third = target.SendAsync(Pages(s_good, 3));
        Assert.IsType<MigrationAnswer.Accepted>(await target.SendAsync(Pages(s_good, 2)));
        Assert.IsType<MigrationAnswer.Accepted>(await third);
    });

    [Fact]
    public void Batches_that_wait_when_the_move_is_cancelled_are_refused() => Run(seed: 74, async target =>
    {
        Task<MigrationAnswer> second = target.SendAsync(Pages(s_good, 2));

        Assert.IsType<MigrationAnswer.Accepted>(await target.SendAsync(new MigrationMessage.Cancel(s_key)));

        Refusal why = Assert.IsType<MigrationAnswer.Refused>(await second).Why;
        Assert.Equal("that it is over", why.Found);
    });

    private static MigrationMessage.Pages Pages(ImmutableArray<MovedPage> pages, uint batch) =>
        new(s_key, pages, batch);

    private static void Run(ulong seed, Func<Target, Task> test)
    {
        TestCluster cluster = new(seed, HostVendor.Intel, HostVendor.Intel);
        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            await cluster.CreateAsync("node-1");
            Target target = new(cluster["node-2"]);
            MachineSpec spec = new(1, 64 * 4096, HypercallPatchPolicy.Auto, MachineSpec.TurnTicksDefault);
            Assert.IsType<MigrationAnswer.Accepted>(await target.SendAsync(new MigrationMessage.Offer(
                s_key,
                cluster.Guests.Engine,
                new JournalEvent.VmCreated(spec, "model", new string('a', 64), string.Empty),
                [new GuestCpuid(CpuidTable.Empty, [])])));
            await test(target);
        });
    }

    /// <summary>The node that a move goes to, as its source sees it.</summary>
    private sealed class Target(TestNode node)
    {
        public async Task<MigrationAnswer> SendAsync(MigrationMessage message)
        {
            byte[] reply = await node.Process.Executor.Factory.StartNew(
                async () => (await node.Node.HandleLinkAsync(Bytes(message), CancellationToken.None)).ToArray())
                .Unwrap()
                .WaitAsync(TimeSpan.FromSeconds(10), node.Process.Clock);
            return MigrationWire.From(LinkReply.Parser.ParseFrom(reply).Migration);
        }

        private static byte[] Bytes(MigrationMessage message)
        {
            LinkRequest head = MigrationWire.Of(message);
            head.Writes = 2;
            if (message is not MigrationMessage.Pages pages)
            {
                return head.ToByteArray();
            }

            byte[] bytes = new byte[RequestBytes.SizeOf(head, pages.All)];
            RequestBytes.Write(head, pages.All, bytes);
            return bytes;
        }
    }
}
