// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using Google.Protobuf;
using KvmActors.Actors.Migration;
using KvmActors.Actors.Wire;

namespace KvmActors.Actors.Cluster;

/// <summary>A <c>LinkRequest</c> as bytes. Its pages are written into them and read from them where they lie: field
/// <c>page_batch</c>, behind all others.</summary>
internal static class RequestBytes
{
    /// <summary>Number of the field, and that a length and so many bytes follow.</summary>
    private const uint BatchTag = (LinkRequest.PageBatchFieldNumber << 3) | LengthDelimited;

    private const uint LengthDelimited = 2;
    private const int VarintBytesMax = 5;

    /// <param name="head">All but the pages.</param>
    public static int SizeOf(LinkRequest head, ImmutableArray<MovedPage> pages)
    {
        int batch = PageBatch.SizeOf(pages);
        return head.CalculateSize()
            + CodedOutputStream.ComputeRawVarint32Size(BatchTag) + CodedOutputStream.ComputeLengthSize(batch) + batch;
    }

    /// <param name="target"><see cref="SizeOf"/> bytes.</param>
    public static void Write(LinkRequest head, ImmutableArray<MovedPage> pages, Span<byte> target)
    {
        int at = head.CalculateSize();
        head.WriteTo(target[..at]);
        at += WriteVarint(target[at..], BatchTag);
        at += WriteVarint(target[at..], (uint)PageBatch.SizeOf(pages));
        PageBatch.Write(pages, target[at..]);
    }

    /// <param name="request">Not kept, but for <paramref name="pages"/>.</param>
    /// <param name="pages">The field of the pages, as a part of the request; empty where there is none.</param>
    /// <exception cref="InvalidDataException">It is no request, or another field follows the pages.</exception>
    public static LinkRequest Parse(ReadOnlyMemory<byte> request, out ReadOnlyMemory<byte> pages)
    {
        (int head, int batch) = Split(request.Span);
        pages = request[batch..];
        try
        {
            // What is parsed lives on in images, and the caller keeps its buffer: so it is copied here.
            LinkRequest parsed = LinkRequest.Parser.ParseFrom(request.Span[..head]);
            return parsed.PageBatch.IsEmpty
                ? parsed
                : throw new InvalidDataException("Expected the pages of a link request at its end, found others.");
        }
        catch (InvalidProtocolBufferException fault)
        {
            throw new InvalidDataException($"Expected a link request, found none: {fault.Message}", fault);
        }
    }

    /// <returns>Where the field of the pages begins, and its content; the end of the request where there is none. What
    /// is no Protobuf is left to the parser.</returns>
    private static (int Head, int Batch) Split(ReadOnlySpan<byte> request)
    {
        int at = 0;
        while (at < request.Length)
        {
            int begin = at;
            if (!TryReadVarint(request, ref at, out ulong tag) || !TrySkip(request, ref at, tag, out ulong length))
            {
                break;
            }

            if (tag == BatchTag)
            {
                return at == request.Length
                    ? (begin, at - (int)length)
                    : throw new InvalidDataException(
                        $"Expected the pages of a link request at its end, found {request.Length - at} bytes behind.");
            }
        }

        return (request.Length, request.Length);
    }

    /// <summary>Moves behind a field's value.</summary>
    /// <remarks>Source: protobuf.dev, "Encoding", "Message Structure".</remarks>
    /// <param name="length">Of bytes; else 0.</param>
    private static bool TrySkip(ReadOnlySpan<byte> request, ref int at, ulong tag, out ulong length)
    {
        length = 0;
        switch (tag & 7)
        {
            case 0:
                return TryReadVarint(request, ref at, out _);
            case 1 when request.Length - at >= sizeof(ulong):
                at += sizeof(ulong);
                return true;
            case 5 when request.Length - at >= sizeof(uint):
                at += sizeof(uint);
                return true;
            case LengthDelimited when TryReadVarint(request, ref at, out length)
                && length <= (ulong)(request.Length - at):
                at += (int)length;
                return true;
            default:
                return false;
        }
    }

    private static bool TryReadVarint(ReadOnlySpan<byte> source, ref int at, out ulong value)
    {
        value = 0;
        for (int shift = 0; at < source.Length && shift < 64; shift += 7)
        {
            byte next = source[at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return true;
            }
        }

        return false;
    }

    private static int WriteVarint(Span<byte> target, uint value)
    {
        for (int at = 0; at < VarintBytesMax; at++)
        {
            bool isLast = value < 0x80;
            target[at] = (byte)(isLast ? value : (value & 0x7F) | 0x80);
            value >>= 7;
            if (isLast)
            {
                return at + 1;
            }
        }

        throw new InvalidOperationException("A varint of 32 bits takes five bytes at most.");
    }
}
