// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;
using Xunit;

namespace KvmActors.Actors.Tests.Cluster;

/// <summary>The table in <see cref="CommitVerdicts"/>, as data: crash points A2, H5 and H11.</summary>
public sealed class CommitVerdictTests
{
    private static readonly VmId s_vm = VmId.Parse("web");
    private static readonly NodeId s_source = new("node-1#1");
    private static readonly NodeId s_target = new("node-2#1");

    public static TheoryData<string, CommitVerdict> Cases => new()
    {
        { "nothing is there", CommitVerdict.NotLanded },
        { "as before", CommitVerdict.NotLanded },
        { "as after", CommitVerdict.Landed },
        { "taken over", CommitVerdict.Lost },
        { "taken over behind it", CommitVerdict.Lost },
        { "one row only", CommitVerdict.Broken },
        { "another append of this epoch", CommitVerdict.Broken },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_rows_decide_what_became_of_a_commit(string rows, CommitVerdict expected)
    {
        VmCommit.Prepared created = Created();
        VmCommit.Prepared append = VmCommit.On(created.After).AddToAll(5, Aborted("x")).Build();
        VmCommit.Prepared commit = rows == "nothing is there" ? created : append;
        IReadOnlyList<StreamRow> stored = rows switch
        {
            "nothing is there" => [],
            "as before" => created.After.All,
            "as after" => append.After.All,
            "taken over" => Claimed(created.After).After.All,
            "taken over behind it" => Claimed(append.After).After.All,
            "one row only" => [append.After.All[0], created.After.All[1]],
            _ => VmCommit.On(created.After).AddToAll(5, Aborted("y")).Build().After.All,
        };

        Assert.Equal(expected, CommitVerdicts.Of(commit.Transaction, stored));
    }

    [Fact]
    public void A_hand_over_that_landed_is_landed_although_owner_and_epoch_are_others()
    {
        VmRows moving = VmCommit.On(Created().After)
            .OnRows(write => write.BeginMove(new MigrationId("m"), s_target))
            .Build()
            .After;
        VmCommit.Prepared handOver = VmCommit.On(moving).MoveTo(s_target, 5, HostVendor.Amd).Build();

        Assert.Equal(CommitVerdict.Landed, CommitVerdicts.Of(handOver.Transaction, handOver.After.All));
        Assert.Equal(CommitVerdict.NotLanded, CommitVerdicts.Of(handOver.Transaction, moving.All));
    }

    [Fact]
    public void An_abort_meets_a_hand_over_in_the_rows_and_exactly_one_wins()
    {
        VmRows moving = VmCommit.On(Created().After)
            .OnRows(write => write.BeginMove(new MigrationId("m"), s_target))
            .Build()
            .After;
        StoreTransaction abort = VmCommit.On(moving).AddToAll(5, Aborted("m")).OnRows(write => write.AbortMove())
            .Build().Transaction;
        VmCommit.Prepared handOver = VmCommit.On(moving).MoveTo(s_target, 5, HostVendor.Amd).Build();

        Assert.Equal(CommitVerdict.Lost, CommitVerdicts.Of(abort, handOver.After.All));
    }

    private static VmCommit.Prepared Created() => VmCommit.Create(s_vm, vcpuCount: 1, s_source)
        .AddToAll(0, new JournalEvent.Placed(s_source, Epoch.First, HostVendor.Intel))
        .Build();

    private static VmCommit.Prepared Claimed(VmRows rows) => VmCommit.On(rows)
        .Claim(s_target, s_source)
        .MoveTo(s_target, 6, HostVendor.Amd)
        .Build();

    private static JournalEvent.MigrationAborted Aborted(string reason) => new(new MigrationId("m"), reason);
}
