// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Globalization;
using KvmActors.Persistence.Wire;
using static KvmActors.Persistence.Files.SavedVmLayout;

namespace KvmActors.Persistence.Files;

/// <summary>What section END has to say: what came before it.</summary>
internal sealed record SectionEnd(long Bytes, int Sections, int Pages, int Contents, Digest Sha256)
{
    /// <exception cref="WireFault">It says something else.</exception>
    internal bool Check(ReadOnlyMemory<byte> payload, int pageCount)
    {
        if (payload.Length != EndPayloadBytes)
        {
            throw new WireFault($"Expected {EndPayloadBytes} bytes, found {payload.Length}.");
        }

        ReadOnlySpan<byte> end = payload.Span;
        SectionEnd told = new(
            BinaryPrimitives.ReadInt64LittleEndian(end),
            BinaryPrimitives.ReadInt32LittleEndian(end[8..]),
            BinaryPrimitives.ReadInt32LittleEndian(end[12..]),
            BinaryPrimitives.ReadInt32LittleEndian(end[16..]),
            Digest.FromBytes(end[20..]));
        return told != this ? throw new WireFault($"Expected before it {told.Text}; found {Text}.")
            : Pages != pageCount ? throw new WireFault($"Expected {pageCount} pages by SPEC, found {Pages}.")
            : true;
    }

    private string Text => string.Create(
        CultureInfo.InvariantCulture,
        $"{Bytes} bytes, {Sections} sections, {Pages} pages of {Contents} contents, SHA-256 {Sha256}");
}
