// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Text;

namespace KvmActors.Samples.Guests.Duet;

/// <summary>Writes an ELF64 of one segment, with a symbol table for debuggers.</summary>
/// <remarks>Source: ELF-64 Object File Format 1.5.</remarks>
internal static class SymbolElf
{
    private const int HeaderBytes = 64;
    private const int ProgramHeaderBytes = 56;
    private const int SectionHeaderBytes = 64;
    private const int SymbolBytes = 24;
    private const int SegmentOffset = 0x1000;
    private const string SectionNames = "\0.text\0.symtab\0.strtab\0";

    public static byte[] Link(uint start, byte[] segment, uint entry, IReadOnlyList<GuestSymbol> symbols)
    {
        string names = SectionNames + string.Concat(symbols.Select(symbol => symbol.Name + "\0"));
        int symbolsOffset = SegmentOffset + segment.Length;
        int symbolsBytes = (symbols.Count + 1) * SymbolBytes;
        int namesOffset = symbolsOffset + symbolsBytes;
        int sectionsOffset = (namesOffset + names.Length + 7) & ~7;
        byte[] file = new byte[sectionsOffset + (4 * SectionHeaderBytes)];
        WriteHeader(file, entry, sectionsOffset);
        WriteProgramHeader(file.AsSpan(HeaderBytes), start, segment.Length);
        segment.CopyTo(file, SegmentOffset);
        WriteSymbols(file.AsSpan(symbolsOffset), symbols);
        Encoding.ASCII.GetBytes(names, file.AsSpan(namesOffset));
        Span<byte> sections = file.AsSpan(sectionsOffset);
        WriteSection(sections[SectionHeaderBytes..], ".text", 1, 7, start, SegmentOffset, segment.Length);
        Span<byte> table = sections[(2 * SectionHeaderBytes)..];
        WriteSection(table, ".symtab", 2, 0, 0, symbolsOffset, symbolsBytes);
        Put32(table, 40, 3);
        Put32(table, 44, 1);
        Put64(table, 56, SymbolBytes);
        WriteSection(sections[(3 * SectionHeaderBytes)..], ".strtab", 3, 0, 0, namesOffset, names.Length);
        return file;
    }

    private static void WriteHeader(Span<byte> file, uint entry, int sectionsOffset)
    {
        // Class 64, little-endian, version 1; executable; x86-64.
        ReadOnlySpan<byte> identity = [0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1];
        identity.CopyTo(file);
        Put16(file, 16, 2);
        Put16(file, 18, 62);
        Put32(file, 20, 1);
        Put64(file, 24, entry);
        Put64(file, 32, HeaderBytes);
        Put64(file, 40, (ulong)sectionsOffset);
        Put16(file, 52, HeaderBytes);
        Put16(file, 54, ProgramHeaderBytes);
        Put16(file, 56, 1);
        Put16(file, 58, SectionHeaderBytes);
        Put16(file, 60, 4);
        Put16(file, 62, 3);
    }

    private static void WriteProgramHeader(Span<byte> header, uint start, int bytes)
    {
        Put32(header, 0, 1);
        Put32(header, 4, 7);
        Put64(header, 8, SegmentOffset);
        Put64(header, 16, start);
        Put64(header, 24, start);
        Put64(header, 32, (ulong)bytes);
        Put64(header, 40, (ulong)bytes);
    }

    private static void WriteSymbols(Span<byte> table, IReadOnlyList<GuestSymbol> symbols)
    {
        const byte Global = 1 << 4;
        const byte Data = 1;
        const byte Code = 2;
        int name = SectionNames.Length;
        foreach (GuestSymbol symbol in symbols)
        {
            table = table[SymbolBytes..];
            Put32(table, 0, (uint)name);
            table[4] = (byte)(Global | (symbol.IsCode ? Code : Data));
            Put16(table, 6, 1);
            Put64(table, 8, symbol.Address);
            Put64(table, 16, symbol.SizeBytes);
            name += symbol.Name.Length + 1;
        }
    }

    private static void WriteSection(
        Span<byte> header, string name, uint type, ulong flags, ulong address, int offset, int bytes)
    {
        Put32(header, 0, (uint)SectionNames.IndexOf(name, StringComparison.Ordinal));
        Put32(header, 4, type);
        Put64(header, 8, flags);
        Put64(header, 16, address);
        Put64(header, 24, (ulong)offset);
        Put64(header, 32, (ulong)bytes);
    }

    private static void Put16(Span<byte> target, int offset, ushort value) =>
        BinaryPrimitives.WriteUInt16LittleEndian(target[offset..], value);

    private static void Put32(Span<byte> target, int offset, uint value) =>
        BinaryPrimitives.WriteUInt32LittleEndian(target[offset..], value);

    private static void Put64(Span<byte> target, int offset, ulong value) =>
        BinaryPrimitives.WriteUInt64LittleEndian(target[offset..], value);
}
