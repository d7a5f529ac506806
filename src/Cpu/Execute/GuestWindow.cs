// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Execute;

// JUSTIFICATION: see CpuState.
// SAFETY: works on the state its engine owns; memory is reached through GuestMemory's checked methods.

/// <summary>How the hypervisor looks at the guest's memory through the guest's own translation.</summary>
internal static unsafe class GuestWindow
{
    public static GuestAccess ReadCode(VcpuEngine engine, Gva start, Span<byte> destination)
    {
        Gpa physical = new(start.Value & engine.State->PhysicalAddressMask);
        engine.Memory.Read(physical, destination);
        return new GuestAccess(physical, Fault: null);
    }

    public static GuestAccess WriteAsGuest(VcpuEngine engine, Gva start, ReadOnlySpan<byte> bytes)
    {
        Gpa physical = new(start.Value & engine.State->PhysicalAddressMask);
        engine.Memory.Write(physical, bytes);
        return new GuestAccess(physical, Fault: null);
    }
}
