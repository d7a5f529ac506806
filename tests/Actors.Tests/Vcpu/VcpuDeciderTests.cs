// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Vcpu;
using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using Xunit;

namespace KvmActors.Actors.Tests.Vcpu;

public sealed class VcpuDeciderTests
{
    private static readonly NodeId s_here = new("node-1#1");
    private static readonly NodeId s_there = new("node-2#1");
    private static readonly StreamId s_stream = new("web/0");

    [Fact]
    public void A_vcpu_that_is_alone_asks_its_vm_to_move() => Assert.Equal(
        new VcpuDecision.AskVmToMove(s_there),
        VcpuDecider.Decide(State(), new VcpuCommand.Migrate(s_there, VcpusOfVm: 1)));

    [Fact]
    public void A_vcpu_of_several_does_not_move_alone_and_says_why() => Assert.Equal(
        "Expected web to have one vCPU, because the vCPUs of a VM are placed together in this version; found 4. "
        + "Move the whole VM with: vm migrate web.",
        Refused(State(), new VcpuCommand.Migrate(s_there, VcpusOfVm: 4)).Sentence);

    [Fact]
    public void A_vcpu_does_not_move_to_where_it_is_nor_while_it_moves()
    {
        Assert.Equal(RefusalKind.State, Refused(State(), new VcpuCommand.Migrate(s_here, VcpusOfVm: 1)).Kind);
        VcpuActorState moving = State().Apply(new JournalEvent.MigrationStarted(new("m"), s_here, s_there));
        Assert.Equal(RefusalKind.Busy, Refused(moving, new VcpuCommand.Migrate(s_there, VcpusOfVm: 1)).Kind);
    }

    [Fact]
    public void A_vcpu_records_its_own_patches_with_the_node_it_ran_on()
    {
        VcpuCommand record = new VcpuCommand.RecordPatches([Patch(vcpu: 0), Patch(vcpu: 1), Patch(vcpu: 0)]);

        VcpuDecision.Accepted accepted = Assert.IsType<VcpuDecision.Accepted>(VcpuDecider.Decide(State(), record));

        Assert.Equal(2, accepted.Events.Length);
        VcpuActorState after = accepted.Events.Aggregate(State(), static (state, next) => state.Apply(next));
        Assert.Equal((2ul, 2), (after.PatchCount, after.Patches.Length));
        Assert.All(after.Patches, patch => Assert.Equal((s_here, new Epoch(3)), (patch.Node!.Value, patch.Epoch)));
    }

    [Fact]
    public void The_list_of_patches_is_bounded_and_their_number_is_not()
    {
        VcpuActorState state = State();
        for (int patch = 0; patch <= VcpuActorState.PatchesMax; patch++)
        {
            state = state.Apply(new JournalEvent.PatchApplied(Patch(vcpu: 0)));
        }

        Assert.Equal(VcpuActorState.PatchesMax, state.Patches.Length);
        Assert.Equal((ulong)VcpuActorState.PatchesMax + 1, state.PatchCount);
    }

    [Fact]
    public void An_event_of_a_vms_stream_is_no_part_of_a_vcpus_story() =>
        Assert.Throws<InvalidOperationException>(() => State().Apply(new JournalEvent.InputArrived([1])));

    private static VcpuActorState State() => VcpuActorState.Fold(
        s_stream,
        [
            new JournalEvent.VcpuCreated(0),
            new JournalEvent.CpuidSet(CpuidTable.Empty),
            new JournalEvent.Placed(s_here, new Epoch(3), HostVendor.Amd),
        ]);

    private static HypercallPatch Patch(int vcpu) => new(
        vcpu, 7, new Gva(0x1000), new Gpa(0x1000), [0x0f, 0x01, 0xc1], [0x0f, 0x01, 0xd9], HostVendor.Amd);

    private static Refusal Refused(VcpuActorState state, VcpuCommand command) =>
        Assert.IsType<VcpuDecision.Refused>(VcpuDecider.Decide(state, command)).Why;
}
