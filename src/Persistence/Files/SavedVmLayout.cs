// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace KvmActors.Persistence.Files;

// The file, integers little-endian; docs/vm-file.md has it byte by byte.
//   0 magic (8), 8 version (4), 12 check of bytes 0-11 (4); then sections:
//   0 tag (4), 4 number (4), 8 payload length (4), 12 check of bytes 0-11 (4), 16 payload, then SHA-256 of all that
// (32). A check is the first 4 bytes of SHA-256.

/// <summary>The frame of a saved VM's file: its header, its sections and their bounds. Pure.</summary>
internal static class SavedVmLayout
{
    internal const uint Version = 1;
    internal const int HeaderBytes = 16;
    internal const int SectionHeaderBytes = 16;
    internal const int DigestBytes = 32;

    /// <summary>Longest payload: a reader needs no more memory than this for a section.</summary>
    internal const int PayloadBytesMax = 16 << 20;

    /// <summary>Pages of one section.</summary>
    internal const int PagesPerSection = 256;

    /// <summary>Page number (4), encoding (1), length (2).</summary>
    internal const int PageEntryHeaderBytes = 7;

    internal const int EndPayloadBytes = 52;

    internal const string Spec = "SPEC";
    internal const string State = "STAT";
    internal const string Console = "CONS";
    internal const string Pages = "PAGE";
    internal const string End = "END ";

    /// <summary>A byte that no text has, a name, and line ends that a transfer as text would change.</summary>
    internal static ReadOnlySpan<byte> Magic => [0x89, (byte)'K', (byte)'V', (byte)'M', 0x0D, 0x0A, 0x1A, 0x0A];

    internal static byte[] Header()
    {
        byte[] header = new byte[HeaderBytes];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), Version);
        Check(header).CopyTo(header, 12);
        return header;
    }

    /// <summary>A section with room for its payload; <see cref="Seal"/> ends it.</summary>
    internal static byte[] Section(string tag, int number, int payloadBytes)
    {
        byte[] section = new byte[SectionHeaderBytes + payloadBytes + DigestBytes];
        Encoding.ASCII.GetBytes(tag, section);
        BinaryPrimitives.WriteInt32LittleEndian(section.AsSpan(4), number);
        BinaryPrimitives.WriteInt32LittleEndian(section.AsSpan(8), payloadBytes);
        Check(section).CopyTo(section, 12);
        return section;
    }

    internal static Span<byte> Payload(byte[] section) =>
        section.AsSpan(SectionHeaderBytes, section.Length - SectionHeaderBytes - DigestBytes);

    internal static byte[] Seal(byte[] section)
    {
        SHA256.HashData(section.AsSpan(..^DigestBytes), section.AsSpan(^DigestBytes..));
        return section;
    }

    /// <summary>Of the first 12 bytes of a header.</summary>
    internal static byte[] Check(ReadOnlySpan<byte> header) => SHA256.HashData(header[..12])[..4];
}
