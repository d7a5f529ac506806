// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Vcpu;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;

namespace KvmActors.Actors.Vm;

/// <summary>From a slice that did something outsiders may see, or that is long enough ago, to the one commit that
/// covers it. Pure.</summary>
internal static class SliceJournal
{
    public static VmCommit.Prepared Prepare(
        VmRows rows,
        VmState state,
        ImmutableArray<VcpuActorState> vcpus,
        SliceCapture slice,
        CapturedProgress progress,
        CommandId? inputCommand,
        DedupEntry? inputReply,
        VmCommit.SnapshotDraft? snapshot)
    {
        StreamId own = rows.Own.Stream;
        ulong vmTime = slice.Result.VmTime;
        VmCommit commit = VmCommit.On(rows).Answer(inputReply);
        if (!slice.Input.IsDefaultOrEmpty)
        {
            commit.Add(own, slice.StartVmTime, new JournalEvent.InputArrived(slice.Input), inputCommand);
        }

        foreach (VcpuActorState vcpu in vcpus)
        {
            AddPatches(commit, vcpu, slice);
            VcpuCommand.RecordCpuid record = new(progress.Machine.Vcpus[vcpu.Index].Cpuid);
            foreach (JournalEvent stepped in ((VcpuDecision.Accepted)VcpuDecider.Decide(vcpu, record)).Events)
            {
                commit.Add(vcpu.Stream, vmTime, stepped);
            }
        }

        if (slice.End is not null)
        {
            // Before the Progress: see GuestReplay on why the order matters.
            commit.Add(own, vmTime, new JournalEvent.LifecycleChanged(state.Lifecycle, VmLifecycle.Ended, slice.End));
        }

        commit.Add(own, vmTime, ProgressOf(progress));
        if (snapshot is not null)
        {
            commit.Add(
                own, vmTime, new JournalEvent.SnapshotTaken(snapshot.Id, progress.State, progress.Memory!.Value));
            commit.Take(snapshot);
        }

        return commit.Build();
    }

    public static JournalEvent.Progress ProgressOf(CapturedProgress progress) => new(
        progress.Machine.Vcpus.Aggregate(0UL, static (sum, vcpu) => sum + vcpu.InstructionsRetired),
        progress.Machine.ConsoleBytes,
        progress.State,
        progress.Memory);

    private static void AddPatches(VmCommit commit, VcpuActorState vcpu, SliceCapture slice)
    {
        VcpuDecision decision = VcpuDecider.Decide(vcpu, new VcpuCommand.RecordPatches(slice.Result.Patches));
        foreach (JournalEvent journalEvent in ((VcpuDecision.Accepted)decision).Events)
        {
            ulong patchedAt = ((JournalEvent.PatchApplied)journalEvent).Patch.VmTime;
            commit.Add(vcpu.Stream, patchedAt, journalEvent);
        }
    }
}
