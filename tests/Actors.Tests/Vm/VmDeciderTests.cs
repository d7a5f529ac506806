// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Vm;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using Xunit;

namespace KvmActors.Actors.Tests.Vm;

public sealed class VmDeciderTests
{
    private static readonly NodeId s_here = new("node-1#1");
    private static readonly NodeId s_there = new("node-2#1");
    private static readonly MigrationId s_migration = new("m-1");

    public static TheoryData<VmLifecycle, string, string?> Orders => new()
    {
        { VmLifecycle.Created, "start", "Running" },
        { VmLifecycle.Created, "pause", null },
        { VmLifecycle.Created, "resume", null },
        { VmLifecycle.Created, "stop", null },
        { VmLifecycle.Running, "start", null },
        { VmLifecycle.Running, "pause", "Paused" },
        { VmLifecycle.Running, "resume", null },
        { VmLifecycle.Running, "stop", "Stopped" },
        { VmLifecycle.Paused, "start", null },
        { VmLifecycle.Paused, "pause", null },
        { VmLifecycle.Paused, "resume", "Running" },
        { VmLifecycle.Paused, "stop", "Stopped" },
        { VmLifecycle.Stopped, "start", "Running" },
        { VmLifecycle.Stopped, "pause", null },
        { VmLifecycle.Stopped, "resume", null },
        { VmLifecycle.Stopped, "stop", null },
        { VmLifecycle.Ended, "start", null },
        { VmLifecycle.Ended, "pause", null },
        { VmLifecycle.Ended, "resume", null },
        { VmLifecycle.Ended, "stop", null },
        { VmLifecycle.Quarantined, "start", null },
        { VmLifecycle.Quarantined, "pause", null },
        { VmLifecycle.Quarantined, "resume", null },
        { VmLifecycle.Quarantined, "stop", null },
    };

    [Theory]
    [MemberData(nameof(Orders))]
    public void An_order_changes_the_lifecycle_as_the_table_says_or_is_refused(
        VmLifecycle from, string verb, string? to)
    {
        VmState state = State(from);

        VmDecision decision = VmDecider.Decide(state, Command(verb));

        if (to is null)
        {
            Refusal why = Assert.IsType<VmDecision.Refused>(decision).Why;
            Assert.Equal(RefusalKind.State, why.Kind);
            Assert.Contains(verb, why.Expected, StringComparison.Ordinal);
            Assert.StartsWith(from.ToString(), why.Found, StringComparison.Ordinal);
        }
        else
        {
            VmDecision.Accepted accepted = Assert.IsType<VmDecision.Accepted>(decision);
            VmState after = state.Apply(Assert.Single(accepted.VmEvents), vmTime: 9);
            Assert.Equal((to, 9ul), (after.Lifecycle.ToString(), after.VmTime));
        }
    }

    [Fact]
    public void A_vm_that_moves_takes_no_other_order_until_the_move_is_given_up()
    {
        VmState moving = Begin(State(VmLifecycle.Running));

        Assert.Equal(RefusalKind.Busy, Refused(moving, new VmCommand.Pause()).Kind);
        Assert.Equal(RefusalKind.Busy, Refused(moving, new VmCommand.BeginMove(new("m-2"), s_there)).Kind);
        VmState given = Accept(moving, new VmCommand.AbortMove(s_migration, "the target is gone"));
        Assert.Null(given.Move);
        Assert.Equal(VmLifecycle.Paused, Accept(given, new VmCommand.Pause()).Lifecycle);
    }

    [Fact]
    public void Only_the_move_that_is_under_way_can_be_given_up()
    {
        Refused(State(VmLifecycle.Running), new VmCommand.AbortMove(s_migration, "late"));
        Refused(Begin(State(VmLifecycle.Running)), new VmCommand.AbortMove(new("m-0"), "late"));
    }

    [Theory]
    [InlineData(VmLifecycle.Created, true)]
    [InlineData(VmLifecycle.Running, true)]
    [InlineData(VmLifecycle.Paused, true)]
    [InlineData(VmLifecycle.Stopped, true)]
    [InlineData(VmLifecycle.Ended, false)]
    [InlineData(VmLifecycle.Quarantined, false)]
    public void A_vm_can_be_moved_while_there_is_something_to_move(VmLifecycle from, bool canMove)
    {
        VmDecision decision = VmDecider.Decide(State(from), new VmCommand.BeginMove(s_migration, s_there));

        Assert.Equal(canMove, decision is VmDecision.Accepted);
    }

    [Fact]
    public void A_move_to_where_it_is_is_refused() =>
        Refused(State(VmLifecycle.Running), new VmCommand.BeginMove(s_migration, s_here));

    [Theory]
    [InlineData(0, VmLifecycle.Running, false)]
    [InlineData(1, VmLifecycle.Running, true)]
    [InlineData(VmCommand.InputBytesMax, VmLifecycle.Running, true)]
    [InlineData(VmCommand.InputBytesMax + 1, VmLifecycle.Running, false)]
    [InlineData(1, VmLifecycle.Paused, false)]
    public void Input_is_bounded_and_needs_a_running_guest(int bytes, VmLifecycle lifecycle, bool isTaken)
    {
        VmDecision decision = VmDecider.Decide(State(lifecycle), new VmCommand.Input([.. new byte[bytes]]));

        Assert.Equal(isTaken, decision is VmDecision.Accepted);
    }

    [Fact]
    public void A_placement_ends_a_move_and_names_the_vendor()
    {
        VmState placed = Begin(State(VmLifecycle.Running))
            .Apply(new JournalEvent.Placed(s_there, new Epoch(2), HostVendor.Amd), vmTime: 5);

        Assert.Equal((s_there, new Epoch(2), HostVendor.Amd), (placed.Node!.Value, placed.Epoch, placed.HostVendor));
        Assert.Null(placed.Move);
    }

    [Fact]
    public void An_event_of_another_stream_is_no_part_of_a_vms_story() =>
        Assert.Throws<InvalidOperationException>(
            () => State(VmLifecycle.Running).Apply(new JournalEvent.VcpuCreated(0), vmTime: 0));

    private static VmState State(VmLifecycle lifecycle) => VmState.Create(
        VmId.Parse("web"),
        new JournalEvent.VmCreated(
            new MachineSpec(1, 4096, HypercallPatchPolicy.Auto, 1000), "image", new string('a', 64), string.Empty)) with
    {
        Lifecycle = lifecycle,
        Node = s_here,
        End = lifecycle == VmLifecycle.Ended ? new MachineEnd.PoweredOff() : null,
        QuarantineReason = lifecycle == VmLifecycle.Quarantined ? "it diverged" : null,
    };

    private static VmState Begin(VmState state) => Accept(state, new VmCommand.BeginMove(s_migration, s_there));

    private static VmState Accept(VmState state, VmCommand command)
    {
        VmDecision.Accepted accepted = Assert.IsType<VmDecision.Accepted>(VmDecider.Decide(state, command));
        return accepted.VmEvents.Aggregate(state, static (folded, next) => folded.Apply(next, folded.VmTime));
    }

    private static Refusal Refused(VmState state, VmCommand command) =>
        Assert.IsType<VmDecision.Refused>(VmDecider.Decide(state, command)).Why;

    private static VmCommand Command(string verb) => verb switch
    {
        "start" => new VmCommand.Start(),
        "pause" => new VmCommand.Pause(),
        "resume" => new VmCommand.Resume(),
        _ => new VmCommand.Stop(),
    };
}
