// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Security.Cryptography;
using KvmActors.Persistence.Pages;
using KvmActors.Persistence.Snapshots;
using static KvmActors.Persistence.Files.SavedVmLayout;

namespace KvmActors.Persistence.Files;

/// <summary>Makes a saved VM's file, piece by piece: the header and what is no page, then pages by ascending number,
/// then the end. Pure; one object for one file.</summary>
/// <remarks>A content is written once; of each one its digest and first page number are remembered, and nothing of a
/// piece that was given out. The same VM gives the same bytes as long as the run time's Deflate does.</remarks>
public sealed class SavedVmWriter : IDisposable
{
    /// <summary>Pages of one piece.</summary>
    public const int PagesMax = PagesPerSection;

    private readonly SavedVm _saved;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Dictionary<Digest, int> _firstWith = [];
    private int _sections;
    private int _pages;
    private int _lastPage = -1;

    public SavedVmWriter(SavedVm saved)
    {
        ArgumentNullException.ThrowIfNull(saved);
        _saved = saved;
    }

    /// <summary>Bytes given out so far.</summary>
    public long BytesWritten { get; private set; }

    /// <summary>The first piece.</summary>
    public byte[] Begin() =>
    [
        .. Count(Header()),
        .. Section(Spec, SavedVmSpec.Encode(_saved)),
        .. Section(State, SnapshotCodec.Encode(_saved.Machine).Span),
        .. Section(SavedVmLayout.Console, _saved.Console.Span),
    ];

    /// <summary>A section with the next pages: 1 to <see cref="PagesMax"/>, none of zeros.</summary>
    /// <exception cref="ArgumentException">Page numbers do not rise, or there are too many.</exception>
    public byte[] Pages(IReadOnlyList<(int PageNumber, ReadOnlyMemory<byte> Bytes)> pages)
    {
        ArgumentNullException.ThrowIfNull(pages);
        if (pages.Count is 0 or > PagesMax || _pages + pages.Count > _saved.PageCount)
        {
            throw new ArgumentException(
                $"Expected 1 to {PagesMax} pages and {_saved.PageCount} in all, found {pages.Count} behind {_pages}.",
                nameof(pages));
        }

        using var payload = new MemoryStream();
        foreach ((int pageNumber, ReadOnlyMemory<byte> bytes) in pages)
        {
            if (pageNumber <= _lastPage)
            {
                throw new ArgumentException(
                    $"Expected rising page numbers, found {pageNumber} behind {_lastPage}.", nameof(pages));
            }

            Write(payload, pageNumber, bytes.Span);
            _lastPage = pageNumber;
        }

        _pages += pages.Count;
        return Section(SavedVmLayout.Pages, payload.GetBuffer().AsSpan(0, (int)payload.Length));
    }

    /// <summary>The last piece.</summary>
    /// <exception cref="InvalidOperationException">Pages are missing.</exception>
    public byte[] End()
    {
        if (_pages != _saved.PageCount)
        {
            throw new InvalidOperationException($"Expected {_saved.PageCount} pages before the end, found {_pages}.");
        }

        byte[] payload = new byte[EndPayloadBytes];
        BinaryPrimitives.WriteInt64LittleEndian(payload, BytesWritten);
        BinaryPrimitives.WriteInt32LittleEndian(payload.AsSpan(8), _sections);
        BinaryPrimitives.WriteInt32LittleEndian(payload.AsSpan(12), _pages);
        BinaryPrimitives.WriteInt32LittleEndian(payload.AsSpan(16), _firstWith.Count);
        _hash.GetCurrentHash(payload.AsSpan(20));
        return Section(SavedVmLayout.End, payload);
    }

    public void Dispose() => _hash.Dispose();

    private void Write(MemoryStream payload, int pageNumber, ReadOnlySpan<byte> page)
    {
        Digest digest = PageRules.DigestOf(page);
        Span<byte> same = stackalloc byte[sizeof(int)];
        if (_firstWith.TryGetValue(digest, out int first))
        {
            BinaryPrimitives.WriteInt32LittleEndian(same, first);
            Write(payload, pageNumber, SavedPageEncoding.SameAs, same);
            return;
        }

        _firstWith.Add(digest, pageNumber);
        var packed = PackedPage.Pack(digest, page);
        Write(payload, pageNumber, (SavedPageEncoding)packed.Encoding, packed.Bytes);
    }

    private static void Write(
        MemoryStream payload, int pageNumber, SavedPageEncoding encoding, ReadOnlySpan<byte> bytes)
    {
        Span<byte> header = stackalloc byte[PageEntryHeaderBytes];
        BinaryPrimitives.WriteInt32LittleEndian(header, pageNumber);
        header[4] = (byte)encoding;
        BinaryPrimitives.WriteUInt16LittleEndian(header[5..], (ushort)bytes.Length);
        payload.Write(header);
        payload.Write(bytes);
    }

    private byte[] Section(string tag, ReadOnlySpan<byte> payload)
    {
        if (payload.Length > PayloadBytesMax)
        {
            throw new InvalidOperationException(
                $"Expected a section {tag} of at most {PayloadBytesMax} bytes, found {payload.Length}.");
        }

        byte[] section = SavedVmLayout.Section(tag, _sections++, payload.Length);
        payload.CopyTo(Payload(section));
        return Count(Seal(section));
    }

    private byte[] Count(byte[] piece)
    {
        _hash.AppendData(piece);
        BytesWritten += piece.Length;
        return piece;
    }
}
