// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;

namespace KvmActors.Samples.Guests.Duet;

/// <summary>The duet while it is made: its segment, and the names of what lies in it.</summary>
internal sealed class DuetProgram
{
    private const uint MultibootMagic = 0x1BADB002;
    private const ulong PresentWritable = 3;
    private const ulong LargePage = 0x80;
    private const ulong Code64 = 0x00AF_9B00_0000_FFFF;

    public byte[] Segment { get; } = new byte[DuetLayout.End - DuetLayout.Start];

    public List<GuestSymbol> Symbols { get; } =
    [
        new("shared", DuetLayout.Shared, 8, IsCode: false),
        new("last_writer", DuetLayout.LastWriter, 8, IsCode: false),
        new("done", DuetLayout.Done, 8, IsCode: false),
        new("victim", DuetLayout.Victim, 1, IsCode: false),
    ];

    public uint AddressOf(string symbol) => Symbols.Single(next => next.Name == symbol).Address;

    public void Put(uint address, ReadOnlySpan<byte> bytes) =>
        bytes.CopyTo(Segment.AsSpan((int)(address - DuetLayout.Start)));

    /// <summary>The multiboot header, one page of 2 MiB, and a descriptor table with 64-bit code.</summary>
    public void PutTables()
    {
        Put32(DuetLayout.Start, MultibootMagic);
        Put32(DuetLayout.Start + 8, unchecked(0u - MultibootMagic));
        Put64(DuetLayout.Pml4, DuetLayout.PageDirectoryPointers | PresentWritable);
        Put64(DuetLayout.PageDirectoryPointers, DuetLayout.PageDirectory | PresentWritable);
        Put64(DuetLayout.PageDirectory, LargePage | PresentWritable);
        Put64(DuetLayout.DescriptorTable + DuetLayout.CodeSelector, Code64);
    }

    private void Put32(uint address, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        Put(address, bytes);
    }

    private void Put64(uint address, ulong value)
    {
        Put32(address, (uint)value);
        Put32(address + 4, (uint)(value >> 32));
    }
}
