// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Apic;
using static System.Buffers.Binary.BinaryPrimitives;

namespace KvmActors.Cpu.State.KvmApi;

/// <summary>struct kvm_lapic_state: the page, with the timer's current count.</summary>
internal static class KvmLocalApic
{
    public static byte[] Write(VcpuState state, ulong vmTime)
    {
        byte[] bytes = [.. state.Apic.Registers];
        ulong left = state.Apic.TimerDeadline > vmTime ? state.Apic.TimerDeadline - vmTime : 0;
        ulong divider = ApicTimer.DividerOf(state.Apic.Of(ApicRegister.DivideConfiguration));
        WriteUInt32LittleEndian(
            bytes.AsSpan((int)ApicRegister.CurrentCount),
            (uint)Math.Min((left + divider - 1) / divider, state.Apic.Of(ApicRegister.InitialCount)));
        return bytes;
    }

    public static VcpuState Read(byte[] bytes, ReadOnlySpan<byte> msrs, VcpuState state, ulong vmTime)
    {
        LocalApicState apic = new([.. bytes], TimerDeadline: 0, TscDeadline: 0);
        ulong count = apic.Of(ApicRegister.CurrentCount);
        ulong divider = ApicTimer.DividerOf(apic.Of(ApicRegister.DivideConfiguration));
        byte[] page = [.. bytes];
        WriteUInt32LittleEndian(page.AsSpan((int)ApicRegister.CurrentCount), 0);
        return state with
        {
            Apic = new LocalApicState(
                [.. page],
                count == 0 ? 0 : vmTime + (count * divider),
                KvmMsrs.Entries(msrs).FirstOrDefault(msr => msr.Index == KvmMsrs.TscDeadline).Value),
        };
    }
}
