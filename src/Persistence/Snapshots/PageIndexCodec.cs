// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using Google.Protobuf;
using KvmActors.Persistence.Wire;

namespace KvmActors.Persistence.Snapshots;

/// <summary>The columns <c>page_index</c> and <c>stream_heads</c> of a snapshot, to and from bytes. Pure.</summary>
public static class PageIndexCodec
{
    /// <param name="pages">By ascending page number.</param>
    /// <exception cref="ArgumentException">Page numbers do not rise.</exception>
    public static ReadOnlyMemory<byte> Encode(ImmutableArray<PageReference> pages)
    {
        var wire = new WirePageIndex();
        byte[] digests = new byte[pages.Length * Digest.SizeBytes];
        ulong before = 0;
        for (int i = 0; i < pages.Length; i++)
        {
            ulong number = pages[i].PageNumber;
            if (i > 0 && number <= before)
            {
                throw new ArgumentException(
                    $"Expected rising page numbers, found {number} behind {before}.",
                    nameof(pages));
            }

            wire.Steps.Add(number - before);
            pages[i].Digest.CopyTo(digests.AsSpan(i * Digest.SizeBytes));
            before = number;
        }

        wire.Digests = ByteString.CopyFrom(digests);
        return wire.ToByteArray();
    }

    /// <exception cref="StoreCorruptException">No page index.</exception>
    public static ImmutableArray<PageReference> Decode(ReadOnlyMemory<byte> bytes)
    {
        WirePageIndex wire = Parse(WirePageIndex.Parser, bytes, "page index");
        if (wire.Digests.Length != wire.Steps.Count * Digest.SizeBytes)
        {
            throw new StoreCorruptException(
                $"Expected {wire.Steps.Count} digests of {Digest.SizeBytes} bytes in the page index, found "
                + $"{wire.Digests.Length} bytes. Use an earlier snapshot.");
        }

        ImmutableArray<PageReference>.Builder pages = ImmutableArray.CreateBuilder<PageReference>(wire.Steps.Count);
        ulong number = 0;
        for (int i = 0; i < wire.Steps.Count; i++)
        {
            number += wire.Steps[i];
            pages.Add(new PageReference(
                number, Digest.FromBytes(wire.Digests.Span.Slice(i * Digest.SizeBytes, Digest.SizeBytes))));
        }

        return pages.MoveToImmutable();
    }

    /// <summary>The digests alone, end to end.</summary>
    /// <exception cref="StoreCorruptException">No page index.</exception>
    internal static ReadOnlyMemory<byte> DecodeDigests(ReadOnlyMemory<byte> bytes)
    {
        ReadOnlyMemory<byte> digests = Parse(WirePageIndex.Parser, bytes, "page index").Digests.Memory;
        return digests.Length % Digest.SizeBytes == 0
            ? digests
            : throw new StoreCorruptException(
                $"Expected digests of {Digest.SizeBytes} bytes in the page index, found {digests.Length} bytes in all. "
                + "Use an earlier snapshot.");
    }

    internal static ReadOnlyMemory<byte> EncodeHeads(ImmutableArray<StreamHead> heads)
    {
        var wire = new WireStreamHeads();
        wire.Heads.AddRange(heads.Select(head => new WireStreamHead
        {
            Stream = head.Stream.Value,
            Seq = head.Seq,
            Hash = MachineWire.Of(head.Hash),
        }));
        return wire.ToByteArray();
    }

    /// <exception cref="StoreCorruptException">No stream heads.</exception>
    internal static ImmutableArray<StreamHead> DecodeHeads(ReadOnlyMemory<byte> bytes)
    {
        WireStreamHeads wire = Parse(WireStreamHeads.Parser, bytes, "stream heads");
        return
        [
            .. wire.Heads.Select(head => head.Hash.Length == Digest.SizeBytes
                ? new StreamHead(new StreamId(head.Stream), head.Seq, Digest.FromBytes(head.Hash.Span))
                : throw new StoreCorruptException(
                    $"Expected a head of {head.Stream} with a hash of {Digest.SizeBytes} bytes, found "
                    + $"{head.Hash.Length}. Use an earlier snapshot.")),
        ];
    }

    private static T Parse<T>(MessageParser<T> parser, ReadOnlyMemory<byte> bytes, string what)
        where T : IMessage<T>
    {
        try
        {
            return parser.ParseFrom(bytes.Span);
        }
        catch (InvalidProtocolBufferException fault)
        {
            throw new StoreCorruptException(
                $"The {what} of a snapshot is damaged: {fault.Message} Use an earlier snapshot.", fault);
        }
    }
}
