// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu;

namespace KvmActors.Machine.Loaders;

/// <summary>Reads the loadable segments of an ELF32 or ELF64 executable for x86.</summary>
/// <remarks>
/// Segments go to their physical addresses (p_paddr). An entry point inside a segment's virtual range is translated to
/// its physical one; any other is taken as physical already: so both customs of higher-half kernels work.
/// Source: System V ABI, chapter 4 "Object Files" and 5 "Program Loading"; ELF-64 Object File Format 1.5.
/// </remarks>
internal static class ElfImage
{
    private const int SegmentsMax = 256;
    private const uint LoadableSegment = 1;
    private const uint NoteSegment = 4;
    private const ushort ExecutableType = 2;
    private const ushort Machine386 = 3;
    private const ushort MachineX64 = 62;

    private static ReadOnlySpan<byte> Magic => [0x7F, (byte)'E', (byte)'L', (byte)'F'];

    public static bool Recognises(ReadOnlySpan<byte> file) => file.StartsWith(Magic);

    /// <param name="protocol">How the kernel is entered; by PVH not at its ELF entry point but where its note says.
    /// </param>
    public static BootImage Read(ReadOnlyMemory<byte> file, string commandLine, BootProtocol protocol)
    {
        ImageReader reader = new(file.Span);
        bool is64 = CheckIdentity(file.Span);
        CheckTypeAndMachine(reader);
        ulong entry = is64 ? reader.UInt64(24, "the ELF entry point") : reader.UInt32(24, "the ELF entry point");
        ImmutableArray<ProgramHeader> headers = ReadProgramHeaders(reader, is64);

        ImmutableArray<BootSegment>.Builder segments = ImmutableArray.CreateBuilder<BootSegment>();
        ulong? entryPhysical = null;
        for (int i = 0; i < headers.Length; i++)
        {
            if (headers[i].Type == LoadableSegment && headers[i].MemoryBytes > 0)
            {
                segments.Add(ToSegment(file, headers[i], i));
                entryPhysical ??= headers[i].Translate(entry);
            }
        }

        if (segments.Count == 0)
        {
            throw BootImageException.Of(
                "an ELF with at least one loadable segment",
                $"none among its {headers.Length} program headers",
                "Give a linked kernel, not an object file.");
        }

        ulong start = protocol == BootProtocol.Pvh
            ? EntryOfPvh(file.Span, headers) ?? throw BootImageException.Of(
                "an ELF with the note of PVH's entry (name Xen, type 18)",
                "none",
                "Build the kernel with PVH (Linux: CONFIG_PVH), or boot it otherwise.")
            : entryPhysical ?? entry;
        return new BootImage(protocol, segments.ToImmutable(), CheckEntry(start, segments), commandLine);
    }

    /// <summary>True if a note of this ELF names an entry for PVH.</summary>
    /// <exception cref="BootImageException">The file is damaged.</exception>
    public static bool HasPvhEntry(ReadOnlySpan<byte> file) =>
        EntryOfPvh(file, ReadProgramHeaders(new ImageReader(file), CheckIdentity(file))) is not null;

    private static uint? EntryOfPvh(ReadOnlySpan<byte> file, ImmutableArray<ProgramHeader> headers)
    {
        foreach (ProgramHeader header in headers)
        {
            if (header.Type == NoteSegment && PvhNote.FindEntry(file, header.Offset, header.FileBytes) is { } entry)
            {
                return entry;
            }
        }

        return null;
    }

    private static ImmutableArray<ProgramHeader> ReadProgramHeaders(ImageReader reader, bool is64)
    {
        ulong table = is64
            ? reader.UInt64(32, "the ELF program header offset")
            : reader.UInt32(28, "the ELF program header offset");
        ushort entryBytes = reader.UInt16(is64 ? 54ul : 42ul, "the ELF program header size");
        ushort count = reader.UInt16(is64 ? 56ul : 44ul, "the ELF program header count");
        CheckTable(entryBytes, is64 ? 56 : 32, count);
        if (table > (ulong)reader.LengthBytes)
        {
            throw BootImageException.Of(
                $"ELF program headers within the file's {reader.LengthBytes} bytes",
                $"a program header offset of 0x{table:x}",
                "The file is damaged: build or copy it again.");
        }

        ImmutableArray<ProgramHeader>.Builder headers = ImmutableArray.CreateBuilder<ProgramHeader>(count);
        for (int i = 0; i < count; i++)
        {
            headers.Add(ReadProgramHeader(reader, is64, table + ((ulong)i * entryBytes)));
        }

        return headers.MoveToImmutable();
    }

    private static bool CheckIdentity(ReadOnlySpan<byte> file)
    {
        byte elfClass = file.Length > 4 ? file[4] : (byte)0;
        byte byteOrder = file.Length > 5 ? file[5] : (byte)0;
        return elfClass is 1 or 2 && byteOrder == 1
            ? elfClass == 2
            : throw BootImageException.Of(
                "an ELF of class 1 or 2 (32 or 64 bits) with little-endian data (1)",
                $"class {elfClass} and data encoding {byteOrder}",
                "Give a kernel for x86.");
    }

    private static void CheckTypeAndMachine(ImageReader reader)
    {
        ushort type = reader.UInt16(16, "the ELF type");
        ushort machine = reader.UInt16(18, "the ELF machine");
        if (type != ExecutableType)
        {
            throw BootImageException.Of(
                "an ELF executable (type 2)",
                $"type {type}",
                "Link the kernel statically at fixed addresses (ld -static -no-pie).");
        }

        if (machine is not (Machine386 or MachineX64))
        {
            throw BootImageException.Of(
                "an ELF for the 80386 (machine 3) or x86-64 (machine 62)",
                $"machine {machine}",
                "Build the kernel for x86.");
        }
    }

    private static void CheckTable(ushort entryBytes, int expectedBytes, ushort count)
    {
        if (entryBytes < expectedBytes && count > 0)
        {
            throw BootImageException.Of(
                $"ELF program headers of at least {expectedBytes} bytes",
                $"{entryBytes}",
                "The file is damaged: build or copy it again.");
        }

        if (count > SegmentsMax)
        {
            throw BootImageException.Of(
                $"at most {SegmentsMax} ELF program headers",
                $"{count}",
                "The file is damaged, or no kernel.");
        }
    }

    private static ProgramHeader ReadProgramHeader(ImageReader reader, bool is64, ulong at)
    {
        const string What = "an ELF program header";
        return is64
            ? new ProgramHeader(
                Type: reader.UInt32(at, What),
                Offset: reader.UInt64(at + 8, What),
                Virtual: reader.UInt64(at + 16, What),
                Physical: reader.UInt64(at + 24, What),
                FileBytes: reader.UInt64(at + 32, What),
                MemoryBytes: reader.UInt64(at + 40, What))
            : new ProgramHeader(
                Type: reader.UInt32(at, What),
                Offset: reader.UInt32(at + 4, What),
                Virtual: reader.UInt32(at + 8, What),
                Physical: reader.UInt32(at + 12, What),
                FileBytes: reader.UInt32(at + 16, What),
                MemoryBytes: reader.UInt32(at + 20, What));
    }

    private static BootSegment ToSegment(ReadOnlyMemory<byte> file, ProgramHeader header, int index)
    {
        if (header.FileBytes > header.MemoryBytes || header.Physical > ulong.MaxValue - header.MemoryBytes)
        {
            throw BootImageException.Of(
                $"ELF segment {index} to take at least as much memory as it has bytes, below 2^64",
                $"0x{header.FileBytes:x} bytes in the file, 0x{header.MemoryBytes:x} in memory at GPA "
                + $"0x{header.Physical:x}",
                "The file is damaged: build or copy it again.");
        }

        return new ImageReader(file.Span).Holds(header.Offset, header.FileBytes)
            ? new BootSegment(
                new Gpa(header.Physical),
                file.Slice((int)header.Offset, (int)header.FileBytes),
                header.MemoryBytes)
            : throw BootImageException.Of(
                $"the 0x{header.FileBytes:x} bytes of ELF segment {index} at byte offset 0x{header.Offset:x}",
                $"a file of {file.Length} bytes",
                "The file is cut short or damaged: build or copy it again.");
    }

    private static Gpa CheckEntry(ulong entry, IEnumerable<BootSegment> segments) =>
        segments.Any(segment => entry >= segment.Start.Value && entry < segment.End) && entry <= uint.MaxValue
            ? new Gpa(entry)
            : throw BootImageException.Of(
                "an ELF entry point within a loadable segment, below 4 GiB",
                $"0x{entry:x}",
                "Check ENTRY and the load addresses in the kernel's linker script.");

    private readonly record struct ProgramHeader(
        uint Type,
        ulong Offset,
        ulong Virtual,
        ulong Physical,
        ulong FileBytes,
        ulong MemoryBytes)
    {
        public ulong? Translate(ulong address) => address >= Virtual && address - Virtual < MemoryBytes
            ? unchecked(Physical + (address - Virtual))
            : null;
    }
}
