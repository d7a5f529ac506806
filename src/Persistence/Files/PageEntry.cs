// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using KvmActors.Persistence.Pages;
using KvmActors.Persistence.Wire;
using static KvmActors.Persistence.Files.SavedVmLayout;

namespace KvmActors.Persistence.Files;

/// <summary>One entry of a PAGE section. Pure.</summary>
internal static class PageEntry
{
    /// <param name="at">Moves behind the entry.</param>
    /// <param name="isContent">Whether an earlier page of that number stands with its content.</param>
    /// <exception cref="WireFault">No entry.</exception>
    internal static SavedPage Read(ReadOnlyMemory<byte> payload, ref int at, Func<int, bool> isContent)
    {
        ReadOnlySpan<byte> left = payload.Span[at..];
        if (left.Length < PageEntryHeaderBytes)
        {
            throw new WireFault(
                $"Expected a page entry of at least {PageEntryHeaderBytes} bytes, found {left.Length} bytes left.");
        }

        int pageNumber = BinaryPrimitives.ReadInt32LittleEndian(left);
        var encoding = (SavedPageEncoding)left[4];
        int length = BinaryPrimitives.ReadUInt16LittleEndian(left[5..]);
        if (pageNumber < 0 || length > left.Length - PageEntryHeaderBytes)
        {
            throw new WireFault(
                $"Expected page {pageNumber} of {length} bytes to end in its section, found "
                + $"{left.Length - PageEntryHeaderBytes} bytes left.");
        }

        ReadOnlyMemory<byte> bytes = payload.Slice(at + PageEntryHeaderBytes, length);
        at += PageEntryHeaderBytes + length;
        return encoding switch
        {
            SavedPageEncoding.Raw => new SavedPage(pageNumber, Whole(pageNumber, bytes), null),
            SavedPageEncoding.Deflate => new SavedPage(pageNumber, Inflate(pageNumber, bytes), null),
            SavedPageEncoding.SameAs => new SavedPage(
                pageNumber, ReadOnlyMemory<byte>.Empty, SameAs(pageNumber, bytes.Span, isContent)),
            _ => throw new WireFault($"Expected page {pageNumber} in encoding 0, 1 or 2, found {(int)encoding}."),
        };
    }

    private static ReadOnlyMemory<byte> Inflate(int pageNumber, ReadOnlyMemory<byte> bytes) =>
        Whole(
            pageNumber,
            PackedPage.TryInflate(bytes.ToArray())
                ?? throw new WireFault($"Expected page {pageNumber} as Deflate, found bytes that do not inflate."));

    private static ReadOnlyMemory<byte> Whole(int pageNumber, ReadOnlyMemory<byte> bytes) =>
        bytes.Length == PageRules.PageBytes
            ? bytes
            : throw new WireFault(
                $"Expected page {pageNumber} to have {PageRules.PageBytes} bytes, found {bytes.Length}.");

    private static int SameAs(int pageNumber, ReadOnlySpan<byte> bytes, Func<int, bool> isContent)
    {
        int other = bytes.Length == sizeof(int) ? BinaryPrimitives.ReadInt32LittleEndian(bytes) : -1;
        return isContent(other)
            ? other
            : throw new WireFault(
                $"Expected page {pageNumber} to be the same as an earlier page that stands in the file, found "
                + $"{other}.");
    }
}
