// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.IO.Compression;
using System.Security.Cryptography;
using KvmActors.Actors.Vm;

namespace KvmActors.Actors.Migration;

/// <summary>Packs the pages of one move: zeros as numbers, a page that the target has under another number as that
/// number, and others compressed where that is shorter.</summary>
/// <remarks>It remembers by digest what the target has by now, so pages must be sent in the order in which they were
/// packed. Not thread-safe. Forty bytes are kept for each page.</remarks>
public sealed class PagePacking
{
    private const int Quality = 1;
    private const int WindowBits = 12;

    private readonly Dictionary<UInt128, int> _pageOf = [];
    private readonly Dictionary<int, UInt128> _digestOf = [];
    private readonly byte[] _room = new byte[CapturedPage.SizeBytes];

    /// <param name="compresses">Else only zeros are told apart, which costs next to nothing.</param>
    public ImmutableArray<MovedPage> Pack(ImmutableArray<CapturedPage> pages, bool compresses) =>
        [.. pages.Select(page => compresses && !page.IsZero ? Pack(page) : Forget(page))];

    private MovedPage Pack(CapturedPage page)
    {
        UInt128 digest = DigestOf(page.Bytes.Span);
        if (_pageOf.TryGetValue(digest, out int same))
        {
            if (same != page.PageNumber)
            {
                Remember(page.PageNumber, digest);
            }

            return new MovedPage(page.PageNumber, PageForm.SameAs, ReadOnlyMemory<byte>.Empty, same);
        }

        Remember(page.PageNumber, digest);
        _pageOf[digest] = page.PageNumber;
        return BrotliEncoder.TryCompress(page.Bytes.Span, _room, out int length, Quality, WindowBits)
            && length < CapturedPage.SizeBytes
            ? new MovedPage(page.PageNumber, PageForm.Brotli, _room.AsSpan(0, length).ToArray(), SameAs: 0)
            : MovedPage.Raw(page);
    }

    private MovedPage Forget(CapturedPage page)
    {
        if (_digestOf.Remove(page.PageNumber, out UInt128 old))
        {
            Replace(page.PageNumber, old);
        }

        return MovedPage.Raw(page);
    }

    private void Remember(int page, UInt128 digest)
    {
        if (_digestOf.TryGetValue(page, out UInt128 old))
        {
            Replace(page, old);
        }

        _digestOf[page] = digest;
    }

    /// <summary>The page has other bytes from here on, so nothing else is as it was.</summary>
    private void Replace(int page, UInt128 old)
    {
        if (_pageOf.TryGetValue(old, out int known) && known == page)
        {
            _pageOf.Remove(old);
        }
    }

    private static UInt128 DigestOf(ReadOnlySpan<byte> page)
    {
        // Not a quicker hash: a guest that finds two pages of one digest could keep itself from being moved.
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        _ = SHA256.HashData(page, digest);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(digest);
    }
}
