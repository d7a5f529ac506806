// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Memory;

namespace KvmActors.Machine.Devices;

/// <summary>What CMOS RAM holds when a VM begins: what a PC's firmware would have left there.</summary>
internal static class RtcMemory
{
    public const int SizeBytes = RtcState.RegisterCount;

    /// <summary>The registers of time and date.</summary>
    public static ImmutableArray<int> TimeRegisters { get; } =
        [.. Enumerable.Range(0, SizeBytes).Where(RtcCalendar.IsTime)];

    public static void Fill(Span<byte> registers, PlatformOptions options)
    {
        const ulong KiB = 1024;
        const ulong MiB = 1024 * KiB;
        ulong below4GiB = Math.Min(options.MemoryBytes, GuestMemory.LowEndMax);

        // 32,768 Hz and 1,024 Hz periodic rate; 24 hours in BCD; valid RAM and time.
        registers[0x0A] = 0x26;
        registers[0x0B] = 0x02;
        registers[0x0D] = 0x80;

        // Equipment: a processor with x87. Base memory of 640 KiB.
        registers[0x14] = 0x02;
        PutWord(registers, 0x15, 640);
        ulong extended = Above(below4GiB, MiB) / KiB;
        PutWord(registers, 0x17, extended);
        PutWord(registers, 0x30, extended);
        PutWord(registers, 0x34, Above(below4GiB, 16 * MiB) / (64 * KiB));

        ulong high = Above(options.MemoryBytes, GuestMemory.LowEndMax) / (64 * KiB);
        registers[0x5B] = (byte)high;
        registers[0x5C] = (byte)(high >> 8);
        registers[0x5D] = (byte)(high >> 16);
        registers[0x5F] = (byte)(options.VcpuCount - 1);
    }

    private static ulong Above(ulong bytes, ulong floor) => bytes > floor ? bytes - floor : 0;

    private static void PutWord(Span<byte> registers, int at, ulong value)
    {
        ulong most = Math.Min(value, ushort.MaxValue);
        registers[at] = (byte)most;
        registers[at + 1] = (byte)(most >> 8);
    }
}
