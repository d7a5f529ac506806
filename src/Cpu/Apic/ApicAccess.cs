// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Apic;

/// <summary>How a guest reaches its local APIC: the page of xAPIC mode, the MSRs of x2APIC mode. Checks what each mode
/// allows and turns commands into messages.</summary>
/// <remarks>Source: Intel SDM vol. 3A, sections 12.4.1, 12.6.1, 12.8.5, 12.12; what KVM does with a narrow or unaligned
/// access: Linux v6.19 arch/x86/kvm/lapic.c:kvm_lapic_reg_read, apic_mmio_write.</remarks>
/// <param name="apic">The APIC.</param>
/// <param name="send">Takes the messages it sends.</param>
/// <param name="endOfInterrupt">Told of each level-triggered interrupt that ends.</param>
internal sealed class ApicAccess(LocalApic apic, Action<InterruptMessage> send, Action<byte> endOfInterrupt)
{
    /// <summary>The first and last MSR of x2APIC mode.</summary>
    public const uint FirstMsr = 0x800;
    public const uint LastMsr = 0x8FF;

    private const int RegisterBytes = 16;
    private const uint CommandReserved = 0xFFF3_3000;
    private const uint SpuriousReserved = ~0x11FFu;
    private const uint LvtReserved = ~0x7_F7FFu;

    /// <summary>A load from the page. What is not inside one register answers zeros.</summary>
    public ulong ReadPage(int offset, int sizeBytes, ulong now)
    {
        int inRegister = offset % RegisterBytes;
        return inRegister + sizeBytes > 4
            ? 0
            : apic.Read((ApicRegister)(offset - inRegister), now) >> (8 * inRegister);
    }

    /// <summary>A store to the page. Only 4 aligned bytes count.</summary>
    public void WritePage(int offset, int sizeBytes, uint value, ulong now)
    {
        if (sizeBytes != 4 || offset % RegisterBytes != 0)
        {
            return;
        }

        var register = (ApicRegister)offset;
        switch (register)
        {
            case ApicRegister.EndOfInterrupt:
                End();
                break;
            case ApicRegister.ErrorStatus:
                apic.ClearErrors();
                break;
            case ApicRegister.InterruptCommandLow:
                // Delivery is at once, so its status bit is never seen set.
                value &= ~(1u << 12);
                apic.Write(register, value, now);
                Command(value, apic.Read(ApicRegister.InterruptCommandHigh, now) >> 24, isWide: false);
                break;
            case ApicRegister.InterruptCommandHigh:
                apic.Write(register, value & 0xFF00_0000, now);
                break;
            default:
                apic.Write(register, value, now);
                break;
        }
    }

    /// <summary>RDMSR in x2APIC mode; false is #GP(0).</summary>
    public bool TryReadMsr(uint index, ulong now, out ulong value)
    {
        ApicRegister register = RegisterOf(index);
        bool isReadable = apic.Mode == ApicMode.X2Apic && register switch
        {
            ApicRegister.EndOfInterrupt or ApicRegister.SelfIpi or ApicRegister.InterruptCommandHigh
                or ApicRegister.DestinationFormat or ApicRegister.ArbitrationPriority
                or ApicRegister.RemoteRead => false,
            _ => IsRegister(register),
        };
        value = isReadable ? apic.Read(register, now) : 0;
        if (isReadable && register == ApicRegister.InterruptCommandLow)
        {
            value |= (ulong)apic.Read(ApicRegister.InterruptCommandHigh, now) << 32;
        }

        return isReadable;
    }

    /// <summary>WRMSR in x2APIC mode; false is #GP(0).</summary>
    public bool TryWriteMsr(uint index, ulong value, ulong now)
    {
        ApicRegister register = RegisterOf(index);
        if (apic.Mode != ApicMode.X2Apic || !IsWritable(register, value))
        {
            return false;
        }

        uint low = (uint)value;
        switch (register)
        {
            case ApicRegister.EndOfInterrupt:
                End();
                break;
            case ApicRegister.ErrorStatus:
                apic.ClearErrors();
                break;
            case ApicRegister.SelfIpi:
                Command(low | ((uint)DestinationShorthand.Self << 18), destination: 0, isWide: true);
                break;
            case ApicRegister.InterruptCommandLow:
                apic.Write(register, low, now);
                apic.Write(ApicRegister.InterruptCommandHigh, (uint)(value >> 32), now);
                Command(low, (uint)(value >> 32), isWide: true);
                break;
            default:
                apic.Write(register, low, now);
                break;
        }

        return true;
    }

    private static ApicRegister RegisterOf(uint msr) => (ApicRegister)((msr - FirstMsr) * RegisterBytes);

    private static bool IsRegister(ApicRegister register) => register is ApicRegister.Id or ApicRegister.Version
        or ApicRegister.TaskPriority or ApicRegister.ProcessorPriority or ApicRegister.LogicalDestination
        or (>= ApicRegister.SpuriousVector and <= ApicRegister.ErrorStatus)
        or (>= ApicRegister.InterruptCommandLow and <= ApicRegister.CurrentCount)
        or ApicRegister.DivideConfiguration;

    private static bool IsWritable(ApicRegister register, ulong value) => register switch
    {
        ApicRegister.InterruptCommandLow => ((uint)value & CommandReserved) == 0,
        ApicRegister.TaskPriority or ApicRegister.SelfIpi => value <= 0xFF,
        ApicRegister.EndOfInterrupt or ApicRegister.ErrorStatus => value == 0,
        ApicRegister.SpuriousVector => (value & (SpuriousReserved | ~(ulong)uint.MaxValue)) == 0,
        ApicRegister.DivideConfiguration => (value & ~0xBul) == 0,
        ApicRegister.InitialCount => value <= uint.MaxValue,
        >= ApicRegister.LvtTimer and <= ApicRegister.LvtError =>
            (value & (LvtReserved | ~(ulong)uint.MaxValue)) == 0,
        _ => false,
    };

    private void End()
    {
        int vector = apic.EndInterrupt();
        if (vector != VectorSet.None)
        {
            endOfInterrupt((byte)vector);
        }
    }

    private void Command(uint low, uint destination, bool isWide)
    {
        var message = InterruptMessage.OfCommand(low, destination, isWide);
        bool hasVector = message.Mode is DeliveryMode.Fixed or DeliveryMode.LowestPriority;
        if (hasVector && message.Vector < LocalApic.VectorMin)
        {
            apic.RaiseError(LocalApic.SentIllegalVector);
            return;
        }

        send(message);
    }
}
