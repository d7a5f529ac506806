// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Migration;

namespace KvmActors.Actors.Vm;

/// <summary>Publishes a VM's status for readers who must not wait.</summary>
internal sealed class VmPublisher(VmServices services, RecoveryReport? recovery)
{
    /// <param name="move">That is under way; null where none is.</param>
    public void Publish(VmSession session, MoveProgress? move)
    {
        VmState state = session.State;
        services.Board.Publish(new VmStatus(
            state.Vm,
            state.Lifecycle,
            services.Self,
            session.Rows.Epoch,
            state.HostVendor,
            state.Spec,
            state.Image,
            state.ImageSha256,
            session.SeenVmTime,
            session.SeenInstructions,
            state.VmTime,
            session.Output.End,
            state.End?.Describe(),
            state.End?.ExitCode,
            state.Move?.To,
            Problem: null,
            recovery,
            [.. session.Vcpus.SelectMany(vcpu => vcpu.Patches)],
            session.LastMachine)
        {
            Move = move,
        });
    }
}
