// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Vm;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Machine.Hashing;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using Xunit;

namespace KvmActors.Actors.Tests.Vm;

public sealed class VmStateTests
{
    private static readonly StateHash s_hash = new(new string('a', 64));

    [Theory]
    [InlineData(100, 0ul, 1ul)]
    [InlineData(100, 99ul, 1ul)]
    [InlineData(100, 100ul, 1ul)]
    [InlineData(100, 799ul, 7ul)]
    [InlineData(1_000, 799ul, 1ul)]
    public void The_first_snapshots_id_behind_a_creation_counts_the_intervals(
        ulong interval, ulong retired, ulong expected) =>
        Assert.Equal(expected, New().NextSnapshotId(retired, interval));

    [Fact]
    public void Ids_go_on_from_the_instructions_of_the_last_snapshot_not_of_the_last_progress()
    {
        VmState state = Snapshot(New(), id: 4, retired: 450);
        state = state.Apply(new JournalEvent.Progress(720, 0, s_hash, Memory: null), vmTime: 9_000);
        Assert.Equal(450ul, state.SnapshotInstructions);
        Assert.Equal(4ul + 3, state.NextSnapshotId(720, intervalTicks: 100));
        Assert.Equal(4ul + 1, state.NextSnapshotId(460, intervalTicks: 100));
    }

    private static VmState Snapshot(VmState state, ulong id, ulong retired) => state
        .Apply(new JournalEvent.Progress(retired, 0, s_hash, new MemorySum(1)), vmTime: 5_000)
        .Apply(new JournalEvent.SnapshotTaken(id, s_hash, new MemorySum(1)), vmTime: 5_000);

    private static VmState New() => VmState.Create(
        VmId.Parse("web"),
        new JournalEvent.VmCreated(
            new MachineSpec(1, 4096, HypercallPatchPolicy.Auto, 1000), "image", new string('a', 64), string.Empty));
}
