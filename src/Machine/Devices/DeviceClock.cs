// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>The VM time that devices see. The VM sets it before each access and before it advances its devices; devices
/// only read it.</summary>
internal sealed class DeviceClock
{
    /// <summary>Ticks since the VM's creation; a tick is one nanosecond of guest time.</summary>
    public ulong VmTime { get; set; }
}
