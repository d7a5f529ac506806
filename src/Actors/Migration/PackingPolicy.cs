// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Vm;

namespace KvmActors.Actors.Migration;

/// <summary>Whether packing pages costs less time than it saves on the link. Pure: each measurement gives the next
/// one.</summary>
/// <param name="RawBytes">Packed so far, as they were.</param>
/// <param name="PackedBytes">As they became.</param>
/// <param name="PackTime">What that took.</param>
/// <param name="SentBytes">On the wire so far.</param>
/// <param name="SendTime">What that took, without pauses.</param>
public readonly record struct PackingPolicy(
    PageCompression Compression,
    ulong BytesPerSecondMax,
    long RawBytes,
    long PackedBytes,
    TimeSpan PackTime,
    long SentBytes,
    TimeSpan SendTime)
{
    /// <summary>One batch in so many is packed although it did not pay: memory is not the same everywhere.</summary>
    public const int LooksAgainAfter = 64;

    public static PackingPolicy Of(PageCompression compression, ulong bytesPerSecondMax) =>
        new(compression, bytesPerSecondMax, 0, 0, TimeSpan.Zero, 0, TimeSpan.Zero);

    /// <summary>A byte raw against a byte packed first: with a limit, the link is no quicker than that.</summary>
    public bool Pays => Compression switch
    {
        PageCompression.Always => true,
        PageCompression.Never => false,
        PageCompression.Auto => RawBytes == 0
            || PackTime.TotalSeconds < (RawBytes - PackedBytes) * SecondsPerByteSent,
    };

    public bool LooksAgain(uint batch) => Compression == PageCompression.Auto && batch % LooksAgainAfter == 0;

    private double SecondsPerByteSent
    {
        get
        {
            double seen = SentBytes == 0 ? 0 : SendTime.TotalSeconds / SentBytes;
            return BytesPerSecondMax == 0 ? seen : Math.Max(seen, 1.0 / BytesPerSecondMax);
        }
    }

    public PackingPolicy Packed(int pages, long bytes, TimeSpan took) => this with
    {
        RawBytes = RawBytes + ((long)pages * CapturedPage.SizeBytes),
        PackedBytes = PackedBytes + bytes,
        PackTime = PackTime + took,
    };

    public PackingPolicy Sent(long bytes, TimeSpan took) => this with
    {
        SentBytes = SentBytes + bytes,
        SendTime = SendTime + took,
    };
}
