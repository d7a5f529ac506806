// SPDX-License-Identifier: Apache-2.0

using System.IO.Compression;

namespace KvmActors.Persistence.Pages;

/// <summary>A page as it is stored: Deflate at its fastest, or raw where that is no longer. Pure.</summary>
internal sealed record PackedPage(Digest Digest, PageEncoding Encoding, byte[] Bytes)
{
    internal static PackedPage Pack(Digest digest, ReadOnlySpan<byte> page)
    {
        using var packed = new MemoryStream(PageRules.PageBytes);
        using (var deflate = new DeflateStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            deflate.Write(page);
        }

        return packed.Length < page.Length
            ? new PackedPage(digest, PageEncoding.Deflate, packed.ToArray())
            : new PackedPage(digest, PageEncoding.Raw, page.ToArray());
    }

    /// <exception cref="StoreCorruptException">The bytes are not the page of this digest.</exception>
    /// <exception cref="JournalFormatException">The encoding is a newer program's.</exception>
    internal byte[] Unpack()
    {
        byte[]? page = Encoding switch
        {
            PageEncoding.Raw => Bytes,
            PageEncoding.Deflate => TryInflate(Bytes),
            _ => throw new JournalFormatException(
                $"Page {Digest}: the encoding {(int)Encoding} is unknown to this version. Read the store with the "
                + "version that wrote it."),
        };
        Digest? digest = page is null ? null : Persistence.Digest.Of(page);
        string found = digest is null ? "bytes that do not inflate" : $"{page!.Length} bytes of digest {digest}";
        return page?.Length == PageRules.PageBytes && digest == Digest
            ? page
            : throw new StoreCorruptException(
                $"Page {Digest}: expected {PageRules.PageBytes} bytes of that digest, found {found}. Use an earlier "
                + "snapshot, or restore the store from a backup.");
    }

    /// <summary>At most one byte more than a page is ever inflated, whatever the stored bytes promise.</summary>
    /// <returns>Null where the bytes are no Deflate.</returns>
    internal static byte[]? TryInflate(byte[] bytes)
    {
        byte[] page = new byte[PageRules.PageBytes + 1];
        try
        {
            using var deflate = new DeflateStream(new MemoryStream(bytes), CompressionMode.Decompress);
            int length = deflate.ReadAtLeast(page, page.Length, throwOnEndOfStream: false);
            return page[..length];
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }
}
