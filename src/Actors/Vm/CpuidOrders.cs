// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Vcpu;
using KvmActors.Cpu.Cpuid.KvmApi;
using KvmActors.Cpu.State;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;

namespace KvmActors.Actors.Vm;

/// <summary>A client's CPUID table for a vCPU of a settled VM: decide, journal, give it to the guest, publish,
/// answer.</summary>
/// <remarks>The journal first: an actor that fails in between is rebuilt with the table. No slice starts meanwhile,
/// since the actor takes one message at a time.</remarks>
internal sealed class CpuidOrders(VmServices services, VmSession session, VmAnswers answers, Action publish)
{
    /// <returns>False where another node has the VM.</returns>
    public async Task<bool> TakeAsync(
        CommandId id, VmCommand.SetCpuid set, ActorRef? client, CancellationToken stop)
    {
        if (set.VcpuIndex < 0 || set.VcpuIndex >= session.Vcpus.Length)
        {
            answers.Send(client, new ControlReply.Refused(Refusals.NoSuchVcpu(set.VcpuIndex, session.Vcpus.Length)));
            return true;
        }

        VcpuActorState state = session.Vcpus[set.VcpuIndex];
        VcpuState vcpu = await session.Slices.BorrowAsync(guest => guest.Save().Vcpus[set.VcpuIndex], stop);
        VcpuCommand.SetCpuid command = new(
            set.Entries,
            new KvmVcpuCpuid(vcpu.Cpuid, HasRun: session.Guest.InstructionsRetired > 0),
            vcpu.CpuidRuntime,
            vcpu.Observed,
            services.Options.Name,
            services.Options.OfferedCpuid);
        switch (VcpuDecider.Decide(state, command))
        {
            case VcpuDecision.Refused refused:
                answers.Send(client, new ControlReply.Refused(refused.Why));
                return true;
            case VcpuDecision.Accepted { Events: [JournalEvent.CpuidSet accepted] }:
                return await SetAsync(id, state, accepted, client, stop);
            default:
                throw new UnreachableException("Expected one CpuidSet or a refusal.");
        }
    }

    private async Task<bool> SetAsync(
        CommandId id, VcpuActorState state, JournalEvent.CpuidSet set, ActorRef? client, CancellationToken stop)
    {
        ControlReply.Done done = new(
            $"{state.Stream} has a CPUID table of {set.Table.Entries.Length} entries since VM time "
            + $"{session.Guest.VmTime}.");
        VmCommit commit = VmCommit.On(session.Rows)
            .Add(state.Stream, session.Guest.VmTime, set, id)
            .Answer(ReplyCodec.Entry(session.Rows.Own.Stream, id, done));
        if (!await session.CommitAsync(commit.Build(), stop))
        {
            answers.Refer(client);
            return false;
        }

        await session.SetCpuidAsync(state.Index, set.Table, stop);
        publish();
        answers.Send(client, done);
        return true;
    }
}
