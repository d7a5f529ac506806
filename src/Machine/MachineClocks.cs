// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.Paravirtual;

namespace KvmActors.Machine;

/// <summary>What KVM's clock tells a guest: VM time on each vCPU, and the wall clock, which starts as the real-time
/// clock does and follows VM time, whatever the guest does to the real-time clock.</summary>
internal sealed class MachineClocks(MachineSpec spec, GuestMemory memory, VcpuSet vcpus)
{
    private const ulong TicksPerSecond = 1_000_000_000;

    /// <summary>Writes the clock of each vCPU that has switched it on.</summary>
    public void WriteAll(ulong vmTime)
    {
        bool isStable = vcpus.HaveOneTsc;
        for (int index = 0; index < spec.VcpuCount; index++)
        {
            vcpus[index].WriteClock(vmTime, isStable);
        }
    }

    /// <summary>Writes the wall clock at VM time 0 where MSR KVM_WALL_CLOCK says; the MSR is the VM's.</summary>
    public void WriteWallClock(ulong register)
    {
        for (int index = 0; index < spec.VcpuCount; index++)
        {
            vcpus[index].SetWallClockRegister(register);
        }

        ParavirtualClock.WriteWallClock(memory, register, spec.RtcStartUnixSeconds);
    }

    /// <summary>Writes wall clock and TSC of this moment; false if the place is not RAM.</summary>
    public bool TryWritePair(Vcpu caller, Gpa address, ulong vmTime) => ParavirtualClock.TryWritePair(
        memory,
        address,
        spec.RtcStartUnixSeconds + (long)(vmTime / TicksPerSecond),
        (uint)(vmTime % TicksPerSecond),
        vmTime + caller.TscAdjust);
}
