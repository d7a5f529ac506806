// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;

namespace KvmActors.Machine.Loaders;

/// <summary>Reads a multiboot image whose header holds the load addresses (flags bit 16), so that any file format will
/// do.
/// </summary>
/// <remarks>Source: Multiboot Specification 0.6.96, section 3.1.3 "The address fields of Multiboot header".</remarks>
internal static class MultibootAddressImage
{
    public static BootImage Read(ReadOnlyMemory<byte> file, MultibootHeader header, string commandLine)
    {
        uint headerDistance = unchecked(header.HeaderAddress - header.LoadAddress);
        if (header.LoadAddress > header.HeaderAddress || headerDistance > (uint)header.OffsetBytes)
        {
            throw BootImageException.Of(
                "a multiboot header whose load_addr lies at or below its header_addr, within the file",
                $"load_addr 0x{header.LoadAddress:x}, header_addr 0x{header.HeaderAddress:x} and the header at byte "
                + "offset "
                + $"0x{header.OffsetBytes:x}",
                "Correct the address fields, or build an ELF without flags bit 16.");
        }

        uint fileStart = (uint)header.OffsetBytes - headerDistance;
        uint available = (uint)file.Length - fileStart;
        uint loadBytes = header.LoadEndAddress == 0
            ? available
            : unchecked(header.LoadEndAddress - header.LoadAddress);
        if (loadBytes > available || (header.LoadEndAddress != 0 && header.LoadEndAddress < header.LoadAddress))
        {
            throw BootImageException.Of(
                $"at most {available} bytes to load from byte offset 0x{fileStart:x} on",
                $"load_addr 0x{header.LoadAddress:x} and load_end_addr 0x{header.LoadEndAddress:x}",
                "The file is cut short, or its multiboot address fields are wrong: build it again.");
        }

        ulong loadEnd = (ulong)header.LoadAddress + loadBytes;
        if (header.BssEndAddress != 0 && header.BssEndAddress < loadEnd)
        {
            throw BootImageException.Of(
                $"a bss_end_addr of 0, or at or above the end of the loaded bytes, 0x{loadEnd:x}",
                $"0x{header.BssEndAddress:x}",
                "Correct the multiboot address fields.");
        }

        ulong memoryBytes = header.BssEndAddress == 0 ? loadBytes : header.BssEndAddress - header.LoadAddress;
        BootSegment segment = new(
            new Gpa(header.LoadAddress), file.Slice((int)fileStart, (int)loadBytes), memoryBytes);
        if (header.EntryAddress < segment.Start.Value || header.EntryAddress >= segment.End)
        {
            throw BootImageException.Of(
                $"an entry_addr within the image, 0x{segment.Start.Value:x} to 0x{segment.End:x}",
                $"0x{header.EntryAddress:x}",
                "Correct the multiboot address fields.");
        }

        return new BootImage(BootProtocol.Multiboot, [segment], new Gpa(header.EntryAddress), commandLine);
    }
}
