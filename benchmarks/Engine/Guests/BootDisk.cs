// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Benchmarks.Engine.Guests;

/// <summary>A disk from which a BIOS boots an image, for an emulator that loads no kernels: a boot sector that reads
/// the image behind it into conventional memory, and enters protected mode to put it where it belongs.</summary>
internal static class BootDisk
{
    /// <summary>Of the geometry that a disk is described by: a cylinder of 16 heads and 63 sectors.</summary>
    public const int CylinderBytes = SectorBytes * 16 * 63;

    /// <summary>What the sector reads.</summary>
    public const int ImageBytesMax = Reads * ReadSectors * SectorBytes;

    private const int SectorBytes = 512;
    private const int Reads = 8;
    private const int ReadSectors = 32;
    private const ushort SectorAddress = 0x7C00;

    /// <summary>Where the image is read to, and how far a read goes on, by segment.</summary>
    private const ushort BufferSegment = 0x1000;
    private const ushort ReadSegments = ReadSectors * SectorBytes / 16;

    /// <summary>The packet of INT 13h, AH=42h, and the GDT with what LGDT reads, in the sector.</summary>
    private const ushort PacketAddress = SectorAddress + 0x100;
    private const int DescriptorsAddress = SectorAddress + 0x120;
    private const int DescriptorPointerAddress = SectorAddress + 0x140;
    private const ushort FlatAddress = SectorAddress + 0x80;
    private const ushort ExtendedRead = 0x42;
    private const byte SystemControl = 0x92;

    /// <summary>The UART starts with characters of five bits, which no guest here changes.</summary>
    private const ushort LineControl = GuestImage.Com1 + 3;
    private const byte EightBits = 3;
    private const byte FirstDisk = 0x80;

    /// <returns>Whole cylinders.</returns>
    /// <exception cref="ArgumentException">The image is larger than <see cref="ImageBytesMax"/>.</exception>
    public static byte[] Build(byte[] image)
    {
        if (image.Length > ImageBytesMax)
        {
            throw new ArgumentException($"Expected an image of at most {ImageBytesMax} bytes, found {image.Length}.");
        }

        byte[] disk = new byte[(SectorBytes + image.Length + CylinderBytes - 1) / CylinderBytes * CylinderBytes];
        Assemble(bitness: 16, EmitReads, SectorAddress).CopyTo(disk, 0);
        Assemble(bitness: 32, EmitMove, FlatAddress).CopyTo(disk, FlatAddress - SectorAddress);
        WritePacket(disk.AsSpan(PacketAddress - SectorAddress));
        WriteDescriptors(disk.AsSpan(DescriptorsAddress - SectorAddress));
        (disk[SectorBytes - 2], disk[SectorBytes - 1]) = (0x55, 0xAA);
        image.CopyTo(disk, SectorBytes);
        return disk;
    }

    private static byte[] Assemble(int bitness, Action<Assembler> emit, uint address)
    {
        Assembler assembler = new(bitness);
        emit(assembler);
        using MemoryStream code = new();
        _ = assembler.Assemble(new StreamCodeWriter(code), address);
        return code.ToArray();
    }

    private static void EmitReads(Assembler a)
    {
        Label read = a.CreateLabel();
        a.cli();
        a.xor(ax, ax);
        a.mov(ds, ax);
        a.mov(es, ax);
        a.mov(ss, ax);
        a.mov(sp, SectorAddress);
        a.mov(dx, LineControl);
        a.mov(al, EightBits);
        a.@out(dx, al);
        a.mov(dl, FirstDisk);
        a.mov(bp, Reads);
        a.Label(ref read);
        a.mov(si, PacketAddress);
        a.mov(ah, (byte)ExtendedRead);
        a.@int(0x13);
        a.add(__word_ptr[PacketAddress + 6], ReadSegments);
        a.add(__word_ptr[PacketAddress + 8], ReadSectors);
        a.dec(bp);
        a.jnz(read);
        a.cli();
        a.@in(al, SystemControl);
        a.or(al, 2);
        a.@out(SystemControl, al);
        a.lgdt(__[DescriptorPointerAddress]);
        a.mov(eax, cr0);
        a.or(eax, 1);
        a.mov(cr0, eax);
        a.jmp(GuestLayout.Code32, FlatAddress);
    }

    private static void EmitMove(Assembler a)
    {
        a.mov(eax, GuestLayout.Data0);
        a.mov(ds, eax);
        a.mov(es, eax);
        a.mov(ss, eax);
        a.mov(esi, BufferSegment * 16);
        a.mov(edi, GuestLayout.Image);
        a.mov(ecx, ImageBytesMax / sizeof(uint));
        a.cld();
        a.rep.movsd();
        a.mov(eax, BootCode.Entry);
        a.jmp(eax);
    }

    /// <summary>Source: Enhanced Disk Drive Specification 3.0, "Disk address packet".</summary>
    private static void WritePacket(Span<byte> at)
    {
        at[0] = 16;
        at[2] = ReadSectors;
        BinaryPrimitives.WriteUInt16LittleEndian(at[6..], BufferSegment);
        BinaryPrimitives.WriteUInt64LittleEndian(at[8..], 1);
    }

    private static void WriteDescriptors(Span<byte> at)
    {
        ReadOnlySpan<ulong> table = [0, 0x00CF_9A00_0000_FFFF, 0x00CF_9200_0000_FFFF];
        MemoryMarshal.AsBytes(table).CopyTo(at);
        Span<byte> pointer = at[(DescriptorPointerAddress - DescriptorsAddress)..];
        BinaryPrimitives.WriteUInt16LittleEndian(pointer, (ushort)((table.Length * sizeof(ulong)) - 1));
        BinaryPrimitives.WriteUInt32LittleEndian(pointer[sizeof(ushort)..], DescriptorsAddress);
    }
}
