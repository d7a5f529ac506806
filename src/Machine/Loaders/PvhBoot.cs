// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using KvmActors.Cpu;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Machine.Loaders;

/// <summary>Enters a kernel by the PVH boot protocol: 32-bit protected mode without paging, EBX at the start
/// information.</summary>
/// <remarks>Low memory: start information at 7000h with its memory map and module list behind it, command line at
/// 9000h. Source: Xen docs/misc/pvh.pandoc "PVH Specification"; xen/include/public/arch-x86/hvm/start_info.h.</remarks>
internal static class PvhBoot
{
    private const uint Magic = 0x336E_C578;
    private const uint Version = 1;
    private const ulong StartInformation = 0x7000;
    private const int ModuleOffset = 0x40;
    private const int MapOffset = 0x80;
    private const int MapEntryBytes = 24;
    private const ulong CommandLine = 0x9000;
    private const ulong RFlagsReserved = 0x2;

    public static VcpuState Enter(BootImage image, GuestMemory memory, VcpuState reset, int vcpuCount)
    {
        MemoryMap.CheckLowMemory(image, memory, StartInformation, "PVH");
        bool hasAcpi = AcpiTables.TryPlace(image, memory, vcpuCount);
        Gpa? initrd = image.Initrd.IsEmpty ? null : MemoryMap.PlaceInitrd(image, memory, top: true);
        memory.Write(new Gpa(StartInformation), Information(image, memory.SizeBytes, initrd, hasAcpi));
        memory.Write(new Gpa(CommandLine), [.. Encoding.UTF8.GetBytes(image.CommandLine), 0]);
        SegmentState code = new(Selector: 0x08, Base: 0, Limit: uint.MaxValue, Attributes: 0xC09B);
        SegmentState data = new(Selector: 0x10, Base: 0, Limit: uint.MaxValue, Attributes: 0xC093);
        const int Rbx = 3;
        return reset with
        {
            Gprs = ImmutableArray.Create(new ulong[16]).SetItem(Rbx, StartInformation),
            Rip = image.EntryPoint.Value,
            RFlags = RFlagsReserved,
            Cr0 = 0x11,
            Segments =
            [
                data, code, data, data, data, data, reset.Segments[6],
                reset.Segments[7] with { Base = 0, Limit = 0x67 },
            ],
            Activity = VcpuActivity.Running,
            Apic = LegacyFirmware.VirtualWire(reset.Apic),
        };
    }

    private static byte[] Information(BootImage image, ulong memoryBytes, Gpa? initrd, bool hasAcpi)
    {
        ImmutableArray<MemoryRange> map = MemoryMap.Of(memoryBytes);
        byte[] block = new byte[MapOffset + (map.Length * MapEntryBytes)];
        BinaryPrimitives.WriteUInt32LittleEndian(block, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(4), Version);
        if (initrd is { } start)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(12), 1);
            BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(16), StartInformation + ModuleOffset);
            BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(ModuleOffset), start.Value);
            BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(ModuleOffset + 8), (ulong)image.Initrd.Length);
        }

        BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(24), CommandLine);
        BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(32), hasAcpi ? AcpiTables.RootPointer : 0);
        BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(40), StartInformation + MapOffset);
        BinaryPrimitives.WriteInt32LittleEndian(block.AsSpan(48), map.Length);
        for (int i = 0; i < map.Length; i++)
        {
            Span<byte> entry = block.AsSpan(MapOffset + (i * MapEntryBytes));
            BinaryPrimitives.WriteUInt64LittleEndian(entry, map[i].Start);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], map[i].Bytes);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[16..], map[i].Type);
        }

        return block;
    }
}
