// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Collections.Immutable;

namespace KvmActors.Actors.Migration;

/// <summary>The pages of one message in one piece, from which they are put into the guest where they lie.</summary>
/// <remarks>
/// Layout, little-endian: 0 number of pages (4); 4 a record for each: 0 number of the page (4), 4 form (1), 5 zero (1),
/// 6 length (2), 8 other page, where the form says so, else zero (4); behind the records the bytes of the pages, in the
/// same order.
/// </remarks>
internal static class PageBatch
{
    public const int HeaderBytes = 4;
    public const int RecordBytes = 12;

    public static int SizeOf(ImmutableArray<MovedPage> pages)
    {
        int size = HeaderBytes + (pages.Length * RecordBytes);
        foreach (MovedPage page in pages)
        {
            size += page.Bytes.Length;
        }

        return size;
    }

    /// <param name="target"><see cref="SizeOf"/> bytes.</param>
    public static void Write(ImmutableArray<MovedPage> pages, Span<byte> target)
    {
        BinaryPrimitives.WriteInt32LittleEndian(target, pages.Length);
        Span<byte> records = target[HeaderBytes..];
        Span<byte> bytes = records[(pages.Length * RecordBytes)..];
        foreach (MovedPage page in pages)
        {
            BinaryPrimitives.WriteInt32LittleEndian(records, page.PageNumber);
            records[4] = (byte)page.Form;
            records[5] = 0;
            BinaryPrimitives.WriteUInt16LittleEndian(records[6..], (ushort)page.Bytes.Length);
            BinaryPrimitives.WriteInt32LittleEndian(records[8..], page.SameAs);
            page.Bytes.Span.CopyTo(bytes);
            records = records[RecordBytes..];
            bytes = bytes[page.Bytes.Length..];
        }
    }

    /// <returns>The pages, whose bytes are slices of the batch. Whether they are pages, whoever puts them
    /// says.</returns>
    /// <exception cref="InvalidDataException">The records and the bytes do not fit each other.</exception>
    public static ImmutableArray<MovedPage> Read(ReadOnlyMemory<byte> batch)
    {
        uint count = batch.Length >= HeaderBytes
            ? BinaryPrimitives.ReadUInt32LittleEndian(batch.Span)
            : throw Wrong($"{HeaderBytes} bytes or more", $"{batch.Length}");
        if (count > (batch.Length - HeaderBytes) / RecordBytes)
        {
            throw Wrong($"{count} records", $"{batch.Length} bytes");
        }

        ReadOnlyMemory<byte> records = batch[HeaderBytes..];
        ReadOnlyMemory<byte> bytes = records[((int)count * RecordBytes)..];
        ImmutableArray<MovedPage>.Builder pages = ImmutableArray.CreateBuilder<MovedPage>((int)count);
        for (int page = 0; page < count; page++)
        {
            pages.Add(Read(records.Span[(page * RecordBytes)..], ref bytes));
        }

        return bytes.IsEmpty ? pages.MoveToImmutable() : throw Wrong("the bytes of its pages", $"{bytes.Length} more");
    }

    private static MovedPage Read(ReadOnlySpan<byte> record, ref ReadOnlyMemory<byte> bytes)
    {
        int length = BinaryPrimitives.ReadUInt16LittleEndian(record[6..]);
        if (record[5] != 0 || length > bytes.Length)
        {
            throw Wrong($"zero and at most {bytes.Length} bytes in a record", $"{record[5]} and {length}");
        }

        MovedPage page = new(
            BinaryPrimitives.ReadInt32LittleEndian(record),
            (PageForm)record[4],
            bytes[..length],
            BinaryPrimitives.ReadInt32LittleEndian(record[8..]));
        bytes = bytes[length..];
        return page;
    }

    private static InvalidDataException Wrong(string expected, string found) =>
        new($"Expected {expected} in a batch of pages, found {found}.");
}
