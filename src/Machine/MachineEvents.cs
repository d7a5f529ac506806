// SPDX-License-Identifier: Apache-2.0

using KvmActors.Machine.Devices;

namespace KvmActors.Machine;

/// <summary>What happens in a VM without an instruction that does it: timers of devices and local APICs fire, devices
/// ask for the VM's end.</summary>
internal sealed class MachineEvents(VcpuSet vcpus, Platform platform)
{
    /// <summary>VM time at which the next timer fires, or null.</summary>
    public ulong? Next => Earlier(vcpus.NextDeadline, platform.NextDeadline);

    /// <summary>VM time of the next timer that can wake a vCPU, as interrupts are masked now; or null.</summary>
    public ulong? NextHeard => Earlier(vcpus.NextDeadline, platform.NextHeard);

    /// <summary>True if no vCPU can run, and console input is the only thing that could change that.</summary>
    public bool AwaitsInputOnly => Next is null && AwaitsInput && !vcpus.CanRun;

    /// <summary>True if no vCPU can run and nothing can change that: neither a timer nor console input. A halted vCPU
    /// that takes no interrupts is woken by nothing that devices do.</summary>
    public bool IsOver => !vcpus.CanRun && !(vcpus.AwaitsInterrupt && (Next is not null || AwaitsInput));

    /// <summary>What a device has ended the VM with, or null.</summary>
    public MachineEnd? End => platform.DebugExit.Written is { } value ? new MachineEnd.DebugExit(value)
        : platform.PowerOffRequested ? new MachineEnd.PoweredOff()
        : platform.ResetRequested ? new MachineEnd.Reset()
        : null;

    private bool AwaitsInput => vcpus.AwaitsInterrupt && platform.Serial.InterruptsOnReceive;

    /// <summary>Fires what is due at this VM time.</summary>
    public void Advance(ulong vmTime)
    {
        platform.Clock.VmTime = vmTime;
        platform.Advance();
        vcpus.Advance(vmTime);
    }

    /// <summary>Ticks from now to the limit or the next timer, whichever comes first; at least 1.</summary>
    public ulong TicksTo(ulong untilVmTime, ulong vmTime) =>
        Math.Max(Math.Min(untilVmTime, Next ?? ulong.MaxValue), vmTime + 1) - vmTime;

    private static ulong? Earlier(ulong? a, ulong? b) => a is null || b < a ? b : a;
}
