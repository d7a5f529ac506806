// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using KvmActors.Cpu;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Machine.Loaders;

/// <summary>Enters a Linux kernel by its 64-bit boot protocol: long mode with 4 GiB of identity mapping, RSI at the
/// boot parameters.</summary>
/// <remarks>
/// <para>Low memory, which the kernel copies what it needs from: page tables from 1000h, boot parameters at 7000h, GDT
/// at 8000h, command line at 9000h.</para>
/// <para>Source: Linux Documentation/arch/x86/boot.rst, "64-bit Boot Protocol"; Documentation/arch/x86/zero-page.rst;
/// arch/x86/include/uapi/asm/bootparam.h.</para>
/// </remarks>
internal static class LinuxBoot
{
    /// <summary>Where the setup header is, in a bzImage and in the boot parameters.</summary>
    public const int SetupHeaderOffset = 0x1F1;

    private const ulong PageTables = 0x1000;
    private const ulong Parameters = 0x7000;
    private const ulong DescriptorTable = 0x8000;
    private const ulong CommandLine = 0x9000;
    private const int ParametersBytes = 4096;
    private const int MapEntryBytes = 20;
    private const int PageBytes = GuestMemory.PageBytes;
    private const byte UnknownLoader = 0xFF;
    private const ulong RFlagsReserved = 0x2;

    /// <summary>Null, unused, __BOOT_CS (10h: 64-bit code), __BOOT_DS (18h: flat data).</summary>
    private static readonly ImmutableArray<ulong> s_descriptors = [0, 0, 0x00AF_9B00_0000_FFFF, 0x00CF_9300_0000_FFFF];

    public static VcpuState Enter(BootImage image, GuestMemory memory, VcpuState reset, int vcpuCount)
    {
        MemoryMap.CheckLowMemory(image, memory, PageTables, "Linux");
        bool hasAcpi = AcpiTables.TryPlace(image, memory, vcpuCount);
        Gpa? initrd = image.Initrd.IsEmpty ? null : MemoryMap.PlaceInitrd(image, memory, top: true);
        memory.Write(new Gpa(Parameters), BootParameters(image, memory.SizeBytes, initrd, hasAcpi));
        memory.Write(new Gpa(CommandLine), [.. Encoding.UTF8.GetBytes(image.CommandLine), 0]);
        WriteTables(memory);
        SegmentState code = new(Selector: 0x10, Base: 0, Limit: uint.MaxValue, Attributes: 0xA09B);
        SegmentState data = new(Selector: 0x18, Base: 0, Limit: uint.MaxValue, Attributes: 0xC093);
        const int Rsi = 6;
        return reset with
        {
            Gprs = ImmutableArray.Create(new ulong[16]).SetItem(Rsi, Parameters),
            Rip = image.EntryPoint.Value,
            RFlags = RFlagsReserved,
            Gdtr = new DescriptorTableState(DescriptorTable, (ushort)((s_descriptors.Length * sizeof(ulong)) - 1)),
            Cr0 = 0x8000_0011,
            Cr3 = PageTables,
            Cr4 = 0x20,
            Efer = 0x500,
            Segments = [data, code, data, data, data, data, reset.Segments[6], reset.Segments[7]],
            Activity = VcpuActivity.Running,
            Apic = LegacyFirmware.VirtualWire(reset.Apic),
        };
    }

    private static byte[] BootParameters(BootImage image, ulong memoryBytes, Gpa? initrd, bool hasAcpi)
    {
        byte[] page = new byte[ParametersBytes];
        image.SetupHeader.Span.CopyTo(page.AsSpan(SetupHeaderOffset));
        if (hasAcpi)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(page.AsSpan(0x70), AcpiTables.RootPointer);
        }

        page[0x210] = UnknownLoader;
        if (initrd is { } start)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(0x218), (uint)start.Value);
            BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(0x21C), (uint)image.Initrd.Length);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(0x228), (uint)CommandLine);
        ImmutableArray<MemoryRange> map = MemoryMap.Of(memoryBytes);
        page[0x1E8] = (byte)map.Length;
        for (int i = 0; i < map.Length; i++)
        {
            Span<byte> entry = page.AsSpan(0x2D0 + (i * MapEntryBytes));
            BinaryPrimitives.WriteUInt64LittleEndian(entry, map[i].Start);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], map[i].Bytes);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[16..], map[i].Type);
        }

        return page;
    }

    /// <summary>One PML4, one page-directory-pointer table, four page directories of 2 MiB pages; the GDT.</summary>
    private static void WriteTables(GuestMemory memory)
    {
        const ulong PresentWritable = 0x3;
        const ulong PresentWritableLarge = 0x83;
        const int Directories = 4;
        const int EntriesEach = PageBytes / sizeof(ulong);
        ulong[] tables = new ulong[(2 + Directories) * EntriesEach];
        tables[0] = PageTables + PageBytes + PresentWritable;
        for (int directory = 0; directory < Directories; directory++)
        {
            tables[EntriesEach + directory] = PageTables + ((ulong)(2 + directory) * PageBytes) + PresentWritable;
        }

        for (int page = 0; page < Directories * EntriesEach; page++)
        {
            tables[(2 * EntriesEach) + page] = ((ulong)page << 21) + PresentWritableLarge;
        }

        Write(memory, PageTables, tables);
        Write(memory, DescriptorTable, s_descriptors.AsSpan());
    }

    private static void Write(GuestMemory memory, ulong start, ReadOnlySpan<ulong> values)
    {
        byte[] bytes = new byte[values.Length * sizeof(ulong)];
        for (int i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(i * sizeof(ulong)), values[i]);
        }

        memory.Write(new Gpa(start), bytes);
    }
}
