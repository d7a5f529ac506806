// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using static KvmActors.Persistence.Files.SavedVmLayout;

namespace KvmActors.Persistence.Files;

/// <summary>Reads sections of a saved VM's file, one after the other, and checks their frames. A length is believed
/// only once its check fits, and is bounded, so that no file makes a reader take more memory than a section.</summary>
internal sealed class SectionReader(Stream source) : IDisposable
{
    private const string Advice = "Copy it again from where it was written, or save the VM again.";

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private int _next;

    internal long Offset { get; private set; }

    /// <summary>SHA-256 over all bytes read.</summary>
    internal Digest HashSoFar() => Digest.FromBytes(_hash.GetCurrentHash());

    internal async Task ReadHeaderAsync(CancellationToken cancellationToken)
    {
        byte[] header = await TakeAsync(HeaderBytes, "the header", cancellationToken).ConfigureAwait(false);
        if (!header.AsSpan(0, 8).SequenceEqual(Magic))
        {
            throw new SavedVmException(
                $"Expected a saved VM, which begins with {Convert.ToHexStringLower(Magic)}, found a file that begins "
                + $"with {Convert.ToHexStringLower(header.AsSpan(0, 8))}. Name a file of: vm save.");
        }

        ThrowIfCheckFails(header, "the header", 0);
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(8));
        if (version != SavedVmLayout.Version)
        {
            throw new SavedVmException(
                $"Expected a saved VM of version {SavedVmLayout.Version} at byte 8 of the file, found version "
                + $"{version}. Restore it with the version of KvmActors that wrote it.");
        }
    }

    /// <param name="tags">Which sections may come next.</param>
    internal async Task<Section> ReadAsync(IReadOnlyList<string> tags, CancellationToken cancellationToken)
    {
        long offset = Offset;
        int number = _next++;
        string place = $"section {number}";
        byte[] header = await TakeAsync(SectionHeaderBytes, place, cancellationToken).ConfigureAwait(false);
        ThrowIfCheckFails(header, place, offset);
        string tag = Encoding.Latin1.GetString(header, 0, 4);
        int found = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(4));
        int length = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(8));
        if (!tags.Contains(tag) || found != number || length is < 0 or > PayloadBytesMax)
        {
            string expected = string.Join(" or ", tags.Select(t => t.TrimEnd()));
            throw new SavedVmException(string.Create(
                CultureInfo.InvariantCulture,
                $"Expected {place}, {expected}, of at most {PayloadBytesMax} "
                + $"bytes at byte {offset} of the file, found number {found}, \"{tag.TrimEnd()}\", of {length}. "
                + $"Restore it with the version of KvmActors that wrote it."));
        }

        place = $"{place} ({tag.TrimEnd()})";
        byte[] payload = await TakeAsync(length, place, cancellationToken).ConfigureAwait(false);
        byte[] stored = await TakeAsync(DigestBytes, place, cancellationToken).ConfigureAwait(false);
        Digest computed = DigestOf(header, payload);
        return Digest.FromBytes(stored) == computed
            ? new Section(tag, number, offset, payload)
            : throw Damaged(
                $"{place} to have the SHA-256 {Digest.FromBytes(stored)}", offset, $"one of {computed}");
    }

    internal async Task ExpectEndAsync(CancellationToken cancellationToken)
    {
        if (await source.ReadAsync(new byte[1], cancellationToken).ConfigureAwait(false) > 0)
        {
            throw Damaged("the end of the file behind section END", Offset, "more bytes");
        }
    }

    public void Dispose() => _hash.Dispose();

    private static Digest DigestOf(byte[] header, byte[] payload)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header);
        hash.AppendData(payload);
        return Digest.FromBytes(hash.GetHashAndReset());
    }

    private static void ThrowIfCheckFails(byte[] header, string place, long offset)
    {
        byte[] expected = Check(header);
        if (!header.AsSpan(12, 4).SequenceEqual(expected))
        {
            throw Damaged(
                $"the first 12 bytes of {place} to have the check {Convert.ToHexStringLower(header, 12, 4)}",
                offset,
                $"one of {Convert.ToHexStringLower(expected)}");
        }
    }

    private static SavedVmException Damaged(string expected, long offset, string found) => new(string.Create(
        CultureInfo.InvariantCulture,
        $"The saved VM is damaged: expected {expected} at byte {offset} of the file, found {found}. {Advice}"));

    private async Task<byte[]> TakeAsync(int count, string place, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[count];
        int read = await source.ReadAtLeastAsync(bytes, count, throwOnEndOfStream: false, cancellationToken)
            .ConfigureAwait(false);
        if (read < count)
        {
            throw Damaged($"{count} more bytes of {place}", Offset, $"the end of the file after {read} of them");
        }

        _hash.AppendData(bytes);
        Offset += count;
        return bytes;
    }
}
