// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Tests.Execute;

/// <summary>What every protected guest of these tests has in memory: GDT, IDT, TSS and page tables.</summary>
internal static class GuestTables
{
    public const ushort KernelCode64 = 0x08;
    public const ushort KernelData = 0x10;
    public const ushort KernelCode32 = 0x18;
    public const ushort UserCode32 = 0x20 | 3;
    public const ushort UserData = 0x28 | 3;
    public const ushort UserCode64 = 0x30 | 3;
    public const ushort Task = 0x38;
    public const ushort KernelCode16 = 0x48;
    public const ushort SmallData = 0x50;

    public const ulong Gdt = 0x2000;
    public const ushort GdtLimit = 0x57;
    public const ulong Idt = 0x3000;
    public const ulong Handlers = 0x5000;
    public const ulong TaskSegment = 0x7000;
    public const ulong KernelStack = 0x8_0000;
    public const ulong InterruptStack = 0x9_0000;
    public const ulong PageMapLevel4 = 0x10_0000;
    public const ulong PageTableOfFirst2M = 0x10_3000;

    // The offset of the I/O bitmap, behind the limit: no port for CPL 3.
    private const ulong NoPortBitmap = 0x68;
    private const byte Halt = 0xF4;
    private const int HandlerBytes = 16;

    public static ulong HandlerOf(int vector) => Handlers + (ulong)(vector * HandlerBytes);

    /// <summary>GDT, IDT with 64-bit interrupt gates to handlers that halt, a TSS, and the first 1 GiB mapped one to
    /// one for everybody: 4-KiB pages below 2 MiB, 2-MiB pages above.</summary>
    public static void WriteLong(GuestMemory memory)
    {
        WriteGdt(memory);
        for (int vector = 0; vector < 256; vector++)
        {
            WriteGate64(memory, vector, HandlerOf(vector), type: 0xE, dpl: 3, stackTable: 0);
            memory.Write(new Gpa(HandlerOf(vector)), [Halt]);
        }

        Write64(memory, TaskSegment + 4, KernelStack);
        Write64(memory, TaskSegment + 36, InterruptStack);
        Write64(memory, TaskSegment + 96, NoPortBitmap << 48);
        Write64(memory, PageMapLevel4, (PageMapLevel4 + 0x1000) | 7);
        Write64(memory, PageMapLevel4 + 0x1000, (PageMapLevel4 + 0x2000) | 7);
        Write64(memory, PageMapLevel4 + 0x2000, PageTableOfFirst2M | 7);
        for (ulong entry = 1; entry < 512; entry++)
        {
            Write64(memory, PageMapLevel4 + 0x2000 + (entry * 8), (entry << 21) | 0x87);
        }

        for (ulong page = 0; page < 512; page++)
        {
            SetPage(memory, page, (page << 12) | 7);
        }
    }

    /// <summary>GDT, and an IDT with 32-bit interrupt gates to handlers that halt; TSS32 with SS0:ESP0.</summary>
    public static void WriteProtected(GuestMemory memory)
    {
        WriteGdt(memory);
        for (int vector = 0; vector < 256; vector++)
        {
            ulong handler = HandlerOf(vector);
            ulong gate = (handler & 0xFFFF) | ((ulong)KernelCode32 << 16) | (0xEEul << 40) | (handler >> 16 << 48);
            Write64(memory, Idt + ((ulong)vector * 8), gate);
            memory.Write(new Gpa(handler), [Halt]);
        }

        Write64(memory, TaskSegment + 4, KernelStack | ((ulong)KernelData << 32));
        Write64(memory, TaskSegment + 96, NoPortBitmap << 48);
    }

    /// <summary>The entry of one 4-KiB page below 2 MiB.</summary>
    public static void SetPage(GuestMemory memory, ulong page, ulong entry) =>
        Write64(memory, PageTableOfFirst2M + (page * 8), entry);

    public static void WriteGate64(
        GuestMemory memory, int vector, ulong handler, uint type, uint dpl, uint stackTable)
    {
        ulong low = (handler & 0xFFFF) | ((ulong)KernelCode64 << 16) | ((ulong)stackTable << 32)
            | ((ulong)(0x80 | (dpl << 5) | type) << 40) | ((handler >> 16 & 0xFFFF) << 48);
        Write64(memory, Idt + ((ulong)vector * 16), low);
        Write64(memory, Idt + ((ulong)vector * 16) + 8, handler >> 32);
    }

    public static void Write64(GuestMemory memory, ulong address, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        memory.Write(new Gpa(address), bytes);
    }

    public static ulong Read64(GuestMemory memory, ulong address)
    {
        Span<byte> bytes = stackalloc byte[8];
        memory.Read(new Gpa(address), bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    public static SegmentState Code64(int dpl) =>
        new(dpl == 0 ? KernelCode64 : UserCode64, 0, uint.MaxValue, 0xA09Bu | ((uint)dpl << 5));

    public static SegmentState Code32(int dpl) =>
        new(dpl == 0 ? KernelCode32 : UserCode32, 0, uint.MaxValue, 0xC09Bu | ((uint)dpl << 5));

    public static SegmentState Data(int dpl) =>
        new(dpl == 0 ? KernelData : UserData, 0, uint.MaxValue, 0xC093u | ((uint)dpl << 5));

    private static void WriteGdt(GuestMemory memory)
    {
        ulong[] descriptors =
        [
            0,
            0x00AF_9B00_0000_FFFF,
            0x00CF_9300_0000_FFFF,
            0x00CF_9B00_0000_FFFF,
            0x00CF_FB00_0000_FFFF,
            0x00CF_F300_0000_FFFF,
            0x00AF_FB00_0000_FFFF,
            0x0000_8900_7000_0067,
            0,
            0x0000_9B01_0000_FFFF,
            0x0040_9300_0000_0FFF,
        ];
        for (int index = 0; index < descriptors.Length; index++)
        {
            Write64(memory, Gdt + ((ulong)index * 8), descriptors[index]);
        }
    }
}
