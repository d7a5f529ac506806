// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Apic;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Events;

// JUSTIFICATION: see CpuState.
// SAFETY: touches fields of the state only.

/// <summary>Loads and stores outside of RAM: the local APIC's page, and devices by the bus.</summary>
/// <remarks>A device must see each access once and at its very VM time. So an instruction that comes upon one in the
/// middle of a block is left as at a fault, with the pseudo-vector <see cref="Vector"/>, and executed again by itself
/// (<see cref="SingleSteps.RunOnDevice"/>): only then the device is asked.</remarks>
internal static unsafe class DeviceAccess
{
    /// <summary>Not an exception of the guest: "execute this instruction again, alone".</summary>
    public const byte Vector = 0xFF;

    /// <summary>True if the access may go to a device now; else the fault fields ask for the second try.</summary>
    public static bool IsAllowed(CpuState* state)
    {
        if (state->MayReachDevices != 0)
        {
            return true;
        }

        Faults.Record(state, Vector);
        return false;
    }

    public static ulong Read(CpuState* state, ulong physical, int sizeBytes)
    {
        EventControl events = VcpuEngine.Of(state).Events;
        ulong now = Operations.VmTime.OfStep(state);
        ulong value = IsApicPage(state, events.Apic, physical)
            ? events.ApicAccess.ReadPage((int)(physical % GuestMemory.PageBytes), sizeBytes, now)
            : events.Bus.ReadMmio(new Gpa(physical), sizeBytes, now);
        return sizeBytes == 8 ? value : value & ((1ul << (8 * sizeBytes)) - 1);
    }

    public static void Write(CpuState* state, ulong physical, int sizeBytes, ulong value)
    {
        EventControl events = VcpuEngine.Of(state).Events;
        ulong now = Operations.VmTime.OfStep(state);
        if (IsApicPage(state, events.Apic, physical))
        {
            events.ApicAccess.WritePage((int)(physical % GuestMemory.PageBytes), sizeBytes, (uint)value, now);
        }
        else
        {
            events.Bus.WriteMmio(
                new Gpa(physical), sizeBytes, sizeBytes == 8 ? value : value & ((1ul << (8 * sizeBytes)) - 1), now);
        }

        state->DeadlineChanged = 1;
        events.Refresh();
    }

    private static bool IsApicPage(CpuState* state, LocalApic apic, ulong physical) =>
        apic.Mode == ApicMode.XApic
        && ((physical ^ *CpuState.Msr(state, MsrSlots.ApicBase)) & state->PhysicalAddressMask
            & ~(ulong)(GuestMemory.PageBytes - 1)) == 0;
}
