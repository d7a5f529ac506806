// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Collections.Immutable;

namespace KvmActors.Cpu.Apic;

/// <summary>A local APIC as data.</summary>
/// <param name="Registers">1,024 bytes, as KVM_GET_LAPIC gives them: a register of 4 bytes every 16. The current count
/// is 0: it follows from the deadline.</param>
/// <param name="TimerDeadline">VM time at which the one-shot or periodic timer fires next, or 0.</param>
/// <param name="TscDeadline">IA32_TSC_DEADLINE, in guest TSC ticks, or 0.</param>
/// <remarks>Source: Linux v6.19 arch/x86/include/uapi/asm/kvm.h:kvm_lapic_state.</remarks>
public sealed record LocalApicState(ImmutableArray<byte> Registers, ulong TimerDeadline, ulong TscDeadline)
{
    public const int RegisterBytes = 1024;

    /// <summary>After reset, as KVM has it: virtual wire mode for the bootstrap processor.</summary>
    /// <param name="id">APIC id: the index of the vCPU.</param>
    public static LocalApicState Reset(int id)
    {
        byte[] page = new byte[RegisterBytes];
        void Set(ApicRegister register, uint value) =>
            BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan((int)register), value);

        Set(ApicRegister.Id, (uint)id << 24);
        Set(ApicRegister.Version, LocalApic.Version);
        Set(ApicRegister.DestinationFormat, uint.MaxValue);
        Set(ApicRegister.SpuriousVector, 0xFF);
        for (int lvt = (int)ApicRegister.LvtTimer; lvt <= (int)ApicRegister.LvtError; lvt += 16)
        {
            Set((ApicRegister)lvt, LocalApic.LvtMasked);
        }

        if (id == 0)
        {
            Set(ApicRegister.LvtLint0, (uint)DeliveryMode.External << 8);
        }

        return new LocalApicState([.. page], TimerDeadline: 0, TscDeadline: 0);
    }

    public bool Equals(LocalApicState? other) =>
        other is not null
        && Registers.AsSpan().SequenceEqual(other.Registers.AsSpan())
        && (TimerDeadline, TscDeadline) == (other.TimerDeadline, other.TscDeadline);

    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.AddBytes(Registers.AsSpan());
        hash.Add(TimerDeadline);
        hash.Add(TscDeadline);
        return hash.ToHashCode();
    }

    /// <summary>A register of the page.</summary>
    internal uint Of(ApicRegister register) =>
        BinaryPrimitives.ReadUInt32LittleEndian(Registers.AsSpan()[(int)register..]);
}
