// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Paravirtual;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: touches two MSR slots of the state.

/// <summary>The MSRs of KVM's clock. The old numbers are other names of the new ones.</summary>
/// <remarks>One that CPUID does not offer is #GP(0), and so are the MSRs of paravirtual features that are not here.
/// The wall clock's MSR is the VM's: all vCPUs read what one of them wrote. Source: Linux v6.19
/// arch/x86/kvm/x86.c:kvm_set_msr_common, kvm_write_system_time; Documentation/virt/kvm/x86/msr.rst.</remarks>
internal static unsafe class ParavirtualMsrs
{
    public const uint WallClockOld = 0x11;
    public const uint SystemTimeOld = 0x12;
    public const uint WallClock = 0x4B56_4D00;
    public const uint SystemTime = 0x4B56_4D01;

    public static bool TryRead(CpuState* state, uint index, out ulong value)
    {
        bool isOffered = IsOffered(state, index);
        value = isOffered ? *Register(state, index) : 0;
        return isOffered;
    }

    public static bool TryWrite(CpuState* state, Uop* uop, uint index, ulong value)
    {
        if (!IsOffered(state, index))
        {
            return false;
        }

        *Register(state, index) = value;
        IVcpuBus bus = VcpuEngine.Of(state).Events.Bus;
        if (IsWallClock(index))
        {
            bus.WallClockAsked(value);
        }
        else
        {
            bus.ClocksChanged(VmTime.Now(state, uop));
        }

        return true;
    }

    private static bool IsOffered(CpuState* state, uint index)
    {
        ParavirtualFeature needed = index is WallClockOld or SystemTimeOld
            ? ParavirtualFeature.ClockSource
            : ParavirtualFeature.ClockSource2;
        return (VcpuEngine.Of(state).Paravirtual & needed) != 0;
    }

    private static ulong* Register(CpuState* state, uint index) =>
        CpuState.Msr(state, IsWallClock(index) ? MsrSlots.WallClock : MsrSlots.SystemTime);

    private static bool IsWallClock(uint index) => index is WallClockOld or WallClock;
}
