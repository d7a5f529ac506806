// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using KvmActors.Cpu.Memory;

namespace KvmActors.Cpu.Paravirtual;

/// <summary>What KVM's clock writes into the guest's memory: the time of a vCPU, the wall clock at VM time 0, and
/// pairs of wall clock and TSC.</summary>
/// <remarks>
/// <para>A structure is written whole between two instructions, so its version is never seen odd; but a reader that
/// was interrupted by the writing sees another version and reads again. A structure that is not wholly in RAM is not
/// written, and the guest is not told, as in KVM.</para>
/// <para>VM time counts nanoseconds, and the TSC runs at its rate. So a structure stays right until the guest moves a
/// TSC: neither a snapshot nor a move to another host changes it.</para>
/// <para>Source: Linux v6.19 arch/x86/include/asm/pvclock-abi.h; arch/x86/kvm/x86.c:kvm_setup_guest_pvclock,
/// kvm_write_wall_clock, kvm_pv_clock_pairing; Documentation/virt/kvm/x86/msr.rst.</para>
/// </remarks>
public static class ParavirtualClock
{
    /// <summary>Bit 0 of MSR KVM_SYSTEM_TIME: the clock is wanted. The rest is its GPA.</summary>
    public const ulong Enabled = 1;

    /// <summary>struct pvclock_vcpu_time_info.</summary>
    public const int TimeBytes = 32;

    /// <summary>struct pvclock_wall_clock.</summary>
    public const int WallClockBytes = 12;

    /// <summary>struct kvm_clock_pairing.</summary>
    public const int PairBytes = 64;

    // Nanoseconds are ((ticks << shift) * multiplier) >> 32, and the TSC has 1 GHz: ticks are nanoseconds.
    private const uint Multiplier = 1u << 31;
    private const byte Shift = 1;

    // PVCLOCK_TSC_STABLE_BIT, PVCLOCK_GUEST_STOPPED.
    private const byte Stable = 1 << 0;
    private const byte GuestStopped = 1 << 1;

    private const int FlagsOffset = 29;

    /// <summary>Writes the time of a vCPU where it wants it.</summary>
    /// <param name="memory">The VM's memory.</param>
    /// <param name="register">MSR KVM_SYSTEM_TIME.</param>
    /// <param name="vmTime">VM time, which is the clock's time.</param>
    /// <param name="tsc">The vCPU's TSC at that time.</param>
    /// <param name="isStable">True if the TSCs of all vCPUs are one.</param>
    public static void WriteTime(GuestMemory memory, ulong register, ulong vmTime, ulong tsc, bool isStable)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ulong address = register & ~Enabled;
        if ((register & Enabled) == 0 || !memory.IsRam(new Gpa(address), TimeBytes))
        {
            return;
        }

        Span<byte> time = stackalloc byte[TimeBytes];
        memory.Read(new Gpa(address), time);
        uint version = VersionAfter(BinaryPrimitives.ReadUInt32LittleEndian(time));
        byte kept = (byte)(time[FlagsOffset] & GuestStopped);
        time.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(time, version);
        BinaryPrimitives.WriteUInt64LittleEndian(time[8..], tsc);
        BinaryPrimitives.WriteUInt64LittleEndian(time[16..], vmTime);
        BinaryPrimitives.WriteUInt32LittleEndian(time[24..], Multiplier);
        time[28] = Shift;
        time[FlagsOffset] = (byte)(kept | (isStable ? Stable : 0));
        memory.Write(new Gpa(address), time);
    }

    /// <summary>Writes the wall clock at VM time 0.</summary>
    /// <param name="memory">The VM's memory.</param>
    /// <param name="address">MSR KVM_WALL_CLOCK: a GPA, or 0 for none.</param>
    /// <param name="unixSeconds">Seconds since 1970, UTC; the structure has room for 32 bits.</param>
    public static void WriteWallClock(GuestMemory memory, ulong address, long unixSeconds)
    {
        ArgumentNullException.ThrowIfNull(memory);
        if (address == 0 || !memory.IsRam(new Gpa(address), WallClockBytes))
        {
            return;
        }

        Span<byte> wall = stackalloc byte[WallClockBytes];
        memory.Read(new Gpa(address), wall);
        uint version = VersionAfter(BinaryPrimitives.ReadUInt32LittleEndian(wall));
        wall.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(wall, version);
        BinaryPrimitives.WriteUInt32LittleEndian(wall[4..], (uint)unixSeconds);
        memory.Write(new Gpa(address), wall);
    }

    /// <summary>Writes a pair of wall clock and TSC at one moment; false if it is not wholly in RAM.</summary>
    public static bool TryWritePair(GuestMemory memory, Gpa start, long unixSeconds, uint nanoseconds, ulong tsc)
    {
        ArgumentNullException.ThrowIfNull(memory);
        if (!memory.IsRam(new Gpa(start.Value), PairBytes))
        {
            return false;
        }

        // Flags and padding are zeros.
        Span<byte> pair = stackalloc byte[PairBytes];
        pair.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(pair, unixSeconds);
        BinaryPrimitives.WriteInt64LittleEndian(pair[8..], nanoseconds);
        BinaryPrimitives.WriteUInt64LittleEndian(pair[16..], tsc);
        memory.Write(start, pair);
        return true;
    }

    /// <summary>Odd while the structure is written, even afterwards, and another than before.</summary>
    private static uint VersionAfter(uint before) => unchecked(((before + 1) | 1) + 1);
}
