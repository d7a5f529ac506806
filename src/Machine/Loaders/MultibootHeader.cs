// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;

namespace KvmActors.Machine.Loaders;

/// <summary>A multiboot-1 header found in an image.</summary>
/// <remarks>
/// Layout, little-endian, 4-byte aligned, whole within the first 8192 bytes of the file: 0 magic, 4 flags, 8 checksum
/// (the three sum to 0 mod 2^32); where flags bit 16 is set also 12 header_addr, 16 load_addr, 20 load_end_addr,
/// 24 bss_end_addr, 28 entry_addr.
/// Source: Multiboot Specification 0.6.96, section 3.1 "OS image format".
/// </remarks>
internal sealed record MultibootHeader(
    int OffsetBytes,
    uint Flags,
    uint HeaderAddress,
    uint LoadAddress,
    uint LoadEndAddress,
    uint BssEndAddress,
    uint EntryAddress)
{
    public const uint Magic = 0x1BADB002;
    public const int SearchBytes = 8192;

    private const int PlainBytes = 12;
    private const int WithAddressesBytes = 32;
    private const uint AddressFieldsFlag = 1u << 16;

    // Bits 0 (page-aligned modules), 1 (memory sizes) and 2 (video mode) are known. Bit 2 is a wish: this machine has
    // no display, and the information structure says so.
    private const uint UnknownRequirements = 0x0000_FFF8;

    /// <summary>The addresses are in the header itself and not in an ELF: the "a.out kludge".</summary>
    public bool HasAddresses => (Flags & AddressFieldsFlag) != 0;

    /// <summary>Finds the header, or null where there is none.</summary>
    /// <exception cref="BootImageException">There is one, and it cannot be served.</exception>
    public static MultibootHeader? Find(ReadOnlySpan<byte> file)
    {
        ReadOnlySpan<byte> searched = file[..Math.Min(file.Length, SearchBytes)];
        for (int offset = 0; offset + PlainBytes <= searched.Length; offset += 4)
        {
            uint magic = BinaryPrimitives.ReadUInt32LittleEndian(searched[offset..]);
            uint flags = BinaryPrimitives.ReadUInt32LittleEndian(searched[(offset + 4)..]);
            uint checksum = BinaryPrimitives.ReadUInt32LittleEndian(searched[(offset + 8)..]);
            if (magic == Magic && unchecked(magic + flags + checksum) == 0)
            {
                return Parse(searched, offset, flags);
            }
        }

        return null;
    }

    private static MultibootHeader Parse(ReadOnlySpan<byte> searched, int offset, uint flags)
    {
        if ((flags & UnknownRequirements) != 0)
        {
            throw BootImageException.Of(
                "a multiboot header that requires at most memory information (flags bits 0 to 2)",
                $"flags 0x{flags:x8} at byte offset 0x{offset:x}",
                "Build the kernel without the other requirements.");
        }

        if ((flags & AddressFieldsFlag) == 0)
        {
            return new MultibootHeader(offset, flags, 0, 0, 0, 0, 0);
        }

        if (offset + WithAddressesBytes > searched.Length)
        {
            throw BootImageException.Of(
                $"the address fields of the multiboot header (flags bit 16) within the first {SearchBytes} bytes",
                $"a header at byte offset 0x{offset:x} with {searched.Length - offset} bytes left",
                "Move the header towards the start of the image.");
        }

        ReadOnlySpan<byte> fields = searched[(offset + PlainBytes)..];
        return new MultibootHeader(
            offset,
            flags,
            HeaderAddress: BinaryPrimitives.ReadUInt32LittleEndian(fields),
            LoadAddress: BinaryPrimitives.ReadUInt32LittleEndian(fields[4..]),
            LoadEndAddress: BinaryPrimitives.ReadUInt32LittleEndian(fields[8..]),
            BssEndAddress: BinaryPrimitives.ReadUInt32LittleEndian(fields[12..]),
            EntryAddress: BinaryPrimitives.ReadUInt32LittleEndian(fields[16..]));
    }
}
