// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Vcpu;

namespace KvmActors.Actors.Vm;

/// <summary>Publishes a VM's status for readers who must not wait.</summary>
internal sealed class VmPublisher(VmServices services, RecoveryReport? recovery)
{
    private readonly Dictionary<int, VcpuActorState> _told = [];

    public void Publish(VmSession session)
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
            session.LastMachine));
    }

    /// <summary>Whether a vCPU's state is another one than its actor was told last.</summary>
    public bool IsNews(VcpuActorState vcpu)
    {
        bool isNews = !_told.TryGetValue(vcpu.Index, out VcpuActorState? told) || !ReferenceEquals(told, vcpu);
        _told[vcpu.Index] = vcpu;
        return isNews;
    }
}
