// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;

namespace KvmActors.Machine.Tests.Loaders;

/// <summary>Writes small images field by field, right and wrong ones.</summary>
internal static class ImageBuilder
{
    public const int HeaderOffset = 0x200;

    /// <summary>An ELF32 or ELF64 of one segment, with a multiboot header in front of its code.</summary>
    public static byte[] Elf(
        bool is64,
        byte[] code,
        ulong physical = 0x10_0000,
        ulong? virtualAddress = null,
        ulong? entry = null,
        ulong? memoryBytes = null,
        ushort machine = 0,
        ushort type = 2)
    {
        byte[] file = new byte[HeaderOffset + 12 + code.Length];
        byte[] identity = [0x7F, (byte)'E', (byte)'L', (byte)'F', (byte)(is64 ? 2 : 1), 1, 1];
        identity.CopyTo(file, 0);
        Put16(file, 16, type);
        Put16(file, 18, machine != 0 ? machine : (ushort)(is64 ? 62 : 3));
        ulong start = virtualAddress ?? physical;
        ulong segmentBytes = (ulong)(12 + code.Length);
        ulong entryPoint = entry ?? (start + 12);
        ulong memory = memoryBytes ?? segmentBytes;
        if (is64)
        {
            Put64(file, 24, entryPoint);
            Put64(file, 32, 64);
            Put16(file, 54, 56);
            Put16(file, 56, 1);
            Put32(file, 64, 1);
            Put64(file, 72, HeaderOffset);
            Put64(file, 80, start);
            Put64(file, 88, physical);
            Put64(file, 96, segmentBytes);
            Put64(file, 104, memory);
        }
        else
        {
            Put32(file, 24, (uint)entryPoint);
            Put32(file, 28, 52);
            Put16(file, 42, 32);
            Put16(file, 44, 1);
            Put32(file, 52, 1);
            Put32(file, 56, HeaderOffset);
            Put32(file, 60, (uint)start);
            Put32(file, 64, (uint)physical);
            Put32(file, 68, (uint)segmentBytes);
            Put32(file, 72, (uint)memory);
        }

        PutMultiboot(file, HeaderOffset, flags: 0);
        code.CopyTo(file, HeaderOffset + 12);
        return file;
    }

    /// <summary>An ELF64 as Linux's is: no multiboot header, and its banner behind the code.</summary>
    public static byte[] Linux(byte[] code)
    {
        byte[] file = Elf(is64: true, [.. code, .. "Linux version 6.1.0-test\0"u8]);
        Put32(file, HeaderOffset, 0);
        return file;
    }

    /// <summary>An ELF32 without a multiboot header, whose second program header is a note with PVH's entry.</summary>
    public static byte[] Pvh(byte[] code, uint entry = 0x10_000C, uint noteType = 18, string noteName = "Xen\0")
    {
        const int NoteOffset = 0x180;
        byte[] file = Elf(is64: false, code);
        Put32(file, HeaderOffset, 0);
        Put16(file, 44, 2);
        Put32(file, 84, 4);
        Put32(file, 88, NoteOffset);
        Put32(file, 100, 20);
        Put32(file, NoteOffset, (uint)noteName.Length);
        Put32(file, NoteOffset + 4, 4);
        Put32(file, NoteOffset + 8, noteType);
        System.Text.Encoding.ASCII.GetBytes(noteName).CopyTo(file, NoteOffset + 12);
        Put32(file, NoteOffset + 16, entry);
        return file;
    }

    /// <summary>A bzImage of protocol 2.15 with one sector of real-mode code behind the first.</summary>
    public static byte[] BzImage(byte[] kernel, ushort version = 0x20F, ushort loadFlags = 1)
    {
        const int SetupBytes = 2 * 512;
        byte[] file = new byte[SetupBytes + kernel.Length];
        file[0x1F1] = 1;
        (file[510], file[511]) = (0x55, 0xAA);
        file[0x201] = 0x66;
        "HdrS"u8.CopyTo(file.AsSpan(0x202));
        Put16(file, 0x206, version);
        Put16(file, 0x236, loadFlags);
        Put64(file, 0x258, 0x20_0000);
        Put32(file, 0x260, 0x10_0000);
        kernel.CopyTo(file, SetupBytes);
        return file;
    }

    /// <summary>An image without a file format, whose multiboot header has the addresses.</summary>
    public static byte[] WithAddresses(
        byte[] code,
        uint headerAddress = 0x10_0010,
        uint loadAddress = 0x10_0000,
        uint loadEndAddress = 0,
        uint bssEndAddress = 0,
        uint entryAddress = 0x10_0030)
    {
        byte[] file = new byte[0x30 + code.Length];
        PutMultiboot(file, 0x10, flags: 1u << 16);
        Put32(file, 0x1C, headerAddress);
        Put32(file, 0x20, loadAddress);
        Put32(file, 0x24, loadEndAddress);
        Put32(file, 0x28, bssEndAddress);
        Put32(file, 0x2C, entryAddress);
        code.CopyTo(file, 0x30);
        return file;
    }

    public static void PutMultiboot(byte[] file, int offset, uint flags)
    {
        Put32(file, offset, 0x1BADB002);
        Put32(file, offset + 4, flags);
        Put32(file, offset + 8, unchecked(0u - 0x1BADB002 - flags));
    }

    public static void Put16(byte[] file, int offset, ushort value) =>
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(offset), value);

    public static void Put32(byte[] file, int offset, uint value) =>
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(offset), value);

    public static void Put64(byte[] file, int offset, ulong value) =>
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(offset), value);
}
