// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;

namespace KvmActors.Samples.Guests.Story;

/// <summary>Writes the ELF32 file: one segment of header, code and data, one of zeroed memory behind it.</summary>
/// <remarks>Source: System V ABI, chapter 4 "Object Files"; Multiboot Specification 0.6.96, section 3.1.</remarks>
internal static class MultibootElf
{
    /// <summary>The multiboot header, at the very start of the first segment.</summary>
    public const int HeaderBytes = 12;

    private const int ElfHeaderBytes = 52;
    private const int ProgramHeaderBytes = 32;
    private const int SegmentOffset = 0x1000;
    private const uint MultibootMagic = 0x1BADB002;

    // Bits 0 and 1: modules page-aligned, memory sizes wanted.
    private const uint MultibootFlags = 3;

    public static byte[] Link(byte[] boot, byte[] code, byte[] data)
    {
        CheckFits("boot code", boot.Length + HeaderBytes, GuestLayout.Code - GuestLayout.Boot);
        CheckFits("code", code.Length, GuestLayout.CodeEnd - GuestLayout.Code);
        CheckFits("data", data.Length, GuestLayout.DataEnd - GuestLayout.Data);

        int loadedBytes = (int)(GuestLayout.Data - GuestLayout.Boot) + data.Length;
        byte[] file = new byte[SegmentOffset + loadedBytes];
        WriteElfHeader(file);
        WriteProgramHeader(
            file.AsSpan(ElfHeaderBytes), SegmentOffset, GuestLayout.Boot, (uint)loadedBytes, (uint)loadedBytes);
        WriteProgramHeader(
            file.AsSpan(ElfHeaderBytes + ProgramHeaderBytes),
            SegmentOffset,
            GuestLayout.DataEnd,
            fileBytes: 0,
            GuestLayout.MemoryEnd - GuestLayout.DataEnd);

        Span<byte> segment = file.AsSpan(SegmentOffset);
        Put(segment, 0, MultibootMagic);
        Put(segment, 4, MultibootFlags);
        Put(segment, 8, unchecked(0u - MultibootMagic - MultibootFlags));
        boot.CopyTo(segment[HeaderBytes..]);
        code.CopyTo(segment[(int)(GuestLayout.Code - GuestLayout.Boot)..]);
        data.CopyTo(segment[(int)(GuestLayout.Data - GuestLayout.Boot)..]);
        return file;
    }

    private static void WriteElfHeader(Span<byte> file)
    {
        // Class 32, little-endian, version 1; executable; 80386.
        ReadOnlySpan<byte> identity = [0x7F, (byte)'E', (byte)'L', (byte)'F', 1, 1, 1];
        identity.CopyTo(file);
        BinaryPrimitives.WriteUInt16LittleEndian(file[16..], 2);
        BinaryPrimitives.WriteUInt16LittleEndian(file[18..], 3);
        Put(file, 20, 1);
        Put(file, 24, GuestLayout.Boot + HeaderBytes);
        Put(file, 28, ElfHeaderBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(file[40..], ElfHeaderBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(file[42..], ProgramHeaderBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(file[44..], 2);
    }

    private static void WriteProgramHeader(
        Span<byte> header,
        uint fileOffset,
        uint address,
        uint fileBytes,
        uint memoryBytes)
    {
        const uint Loadable = 1;
        const uint ReadWriteExecute = 7;
        Put(header, 0, Loadable);
        Put(header, 4, fileOffset);
        Put(header, 8, address);
        Put(header, 12, address);
        Put(header, 16, fileBytes);
        Put(header, 20, memoryBytes);
        Put(header, 24, ReadWriteExecute);
        Put(header, 28, 0x1000);
    }

    private static void CheckFits(string what, int bytes, uint bytesMax)
    {
        if (bytes > bytesMax)
        {
            throw new InvalidOperationException(
                $"Expected at most {bytesMax} bytes of {what}, found {bytes}. Move what lies behind it in "
                + "GuestLayout.");
        }
    }

    private static void Put(Span<byte> bytes, int offset, uint value) =>
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[offset..], value);
}
