// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Loaders;

/// <summary>Finds the ELF note that names a kernel's PVH entry.</summary>
/// <remarks>An entry of a note segment: length of the name, length of the description, type, each of 4 bytes; the name,
/// the description, each padded to 4 bytes. Source: System V ABI, chapter 5 "Note Section"; Xen
/// xen/include/public/elfnote.h XEN_ELFNOTE_PHYS32_ENTRY.</remarks>
internal static class PvhNote
{
    private const uint EntryType = 18;
    private const ulong HeaderBytes = 12;

    private static ReadOnlySpan<byte> Name => "Xen\0"u8;

    /// <summary>The physical address of the entry, or null where the segment has no such note.</summary>
    /// <param name="offset">Of the note segment in the file.</param>
    public static uint? FindEntry(ReadOnlySpan<byte> file, ulong offset, ulong lengthBytes)
    {
        const string What = "an ELF note";
        ImageReader reader = new(file);
        ulong end = reader.Holds(offset, lengthBytes) ? offset + lengthBytes : offset;
        for (ulong at = offset; at + HeaderBytes <= end;)
        {
            ulong nameBytes = reader.UInt32(at, What);
            ulong descriptionBytes = reader.UInt32(at + 4, What);
            ulong name = at + HeaderBytes;
            ulong description = name + Padded(nameBytes);
            ulong next = description + Padded(descriptionBytes);
            if (next > end)
            {
                return null;
            }

            if (reader.UInt32(at + 8, What) == EntryType
                && descriptionBytes >= sizeof(uint)
                && file.Slice((int)name, (int)nameBytes).SequenceEqual(Name))
            {
                return reader.UInt32(description, What);
            }

            at = next;
        }

        return null;
    }

    private static ulong Padded(ulong bytes) => (bytes + 3) & ~3ul;
}
