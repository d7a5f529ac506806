// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Migration;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Snapshots;
using Xunit;

namespace KvmActors.Actors.Tests.Migration;

public sealed class HandOverRulesTests
{
    private static readonly VmId s_vm = VmId.Parse("web");
    private static readonly NodeId s_source = new("node-1#1");
    private static readonly NodeId s_target = new("node-2#1");
    private static readonly MigrationId s_migration = new("web-1-7");
    private static readonly MigrationKey s_key = new(s_vm, s_migration, Epoch.First, s_source);

    [Fact]
    public void A_target_takes_over_what_is_moving_to_it_and_ends_where_its_copy_was_taken() =>
        Assert.Null(HandOverRules.WhyNot(Moving(), s_key, s_target, HeadsOf(Moving())));

    [Fact]
    public void A_late_message_of_an_older_move_epoch_or_source_takes_nothing()
    {
        ImmutableArray<StreamHead> heads = HeadsOf(Moving());
        MigrationKey[] late =
        [
            s_key with { Migration = new MigrationId("web-1-6") },
            s_key with { Epoch = new Epoch(2) },
            s_key with { Source = new NodeId("node-3#1") },
        ];

        Assert.All(late, key => Assert.NotNull(HandOverRules.WhyNot(Moving(), key, s_target, heads)));
        Assert.NotNull(HandOverRules.WhyNot(Moving(), s_key, new NodeId("node-3#1"), heads));
    }

    [Fact]
    public void A_copy_that_is_older_than_the_journal_is_not_taken_over()
    {
        VmRows later = VmCommit.On(Moving())
            .Add(s_vm.Stream, 9, new JournalEvent.InputArrived([1]))
            .Build()
            .After;

        Assert.Contains(
            "to end at 1, where the copy was taken; found its end at 2",
            HandOverRules.WhyNot(later, s_key, s_target, HeadsOf(Moving()))!.Sentence,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_move_that_was_given_up_or_taken_over_is_over()
    {
        VmRows aborted = VmCommit.On(Moving()).OnRows(static write => write.AbortMove()).Build().After;
        VmRows taken = VmCommit.On(Moving()).MoveTo(s_target, 5, HostVendor.Amd).Build().After;

        Assert.NotNull(HandOverRules.WhyNot(aborted, s_key, s_target, HeadsOf(aborted)));
        Assert.NotNull(HandOverRules.WhyNot(taken, s_key, s_target, HeadsOf(taken)));
    }

    [Fact]
    public void Every_phase_says_where_the_guest_is_and_what_a_failure_leaves()
    {
        (MigrationPhase, bool, bool)[] table =
        [
            (MigrationPhase.Offer, true, false),
            (MigrationPhase.Begin, true, true),
            (MigrationPhase.PreCopy, true, true),
            (MigrationPhase.Pause, false, true),
            (MigrationPhase.StopAndCopy, false, true),
            (MigrationPhase.HandOver, false, true),
        ];

        Assert.Equal(
            table,
            Enum.GetValues<MigrationPhase>().Select(phase => (
                phase,
                MigrationPhases.GuestRunsOnSource(phase),
                MigrationPhases.NeedsAbort(phase))));
    }

    [Fact]
    public void The_pre_flight_names_each_missing_bit_and_whether_the_guest_has_seen_it()
    {
        var guest = CpuidTable.Of(
        [
            new CpuidEntry(1, 0, CpuidEntryFlags.None, 0, 0, 1u << 20 | 1u << 25, 0),
            new CpuidEntry(7, 0, CpuidEntryFlags.SignificantIndex, 0, 1u << 5, 0, 0),
        ]);
        var host = CpuidTable.Of([new CpuidEntry(1, 0, CpuidEntryFlags.None, 0, 0, 1u << 20, 0)]);
        GuestCpuid seen = new(guest, [new CpuidObservation(7, 0, 100, 1)]);

        Refusal refusal = CpuidPreflight.Check("node-2", [seen], host)!;

        Assert.Equal(RefusalKind.Unsuitable, refusal.Kind);
        Assert.Equal(
            "2 missing: avx2, which the guest has read; aes, which it has never read", refusal.Found);
        Assert.Null(CpuidPreflight.Check("node-2", [GuestCpuid.Unread(host)], guest));
    }

    private static VmRows Moving() => VmCommit.On(
            VmCommit.Create(s_vm, vcpuCount: 1, s_source)
                .AddToAll(0, new JournalEvent.Placed(s_source, Epoch.First, HostVendor.Intel))
                .Build()
                .After)
        .OnRows(static write => write.BeginMove(s_migration, s_target))
        .Build()
        .After;

    private static ImmutableArray<StreamHead> HeadsOf(VmRows rows) =>
        [.. rows.All.Select(row => new StreamHead(row.Stream, row.HeadSeq, row.HeadHash))];
}
