// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace KvmActors.Persistence.Journal;

// What is hashed, integers little-endian, text UTF-8:
//   tag "KVAJRNL1" (8), hash of the record before (32),
//   stream length (4) and bytes, seq (8), epoch (8), kind (4), version (4), VM time (8),
//   command: 0 (1), or 1 (1), client length (4) and bytes, command length (4) and bytes,
//   payload length (4) and bytes.

/// <summary>Chains the records of a stream: each hash is SHA-256 over the hash before and every column of the record,
/// so that a change of any stored byte is found at that record. Pure.</summary>
/// <remarks>Over the stored bytes, never over re-serialised Protobuf. The layout is in
/// <c>docs/journal-format.md</c>.</remarks>
public static class HashChain
{
    private static ReadOnlySpan<byte> Tag => "KVAJRNL1"u8;

    /// <summary>The hash of <paramref name="record"/> behind <paramref name="previous"/>. Its
    /// <see cref="JournalRecord.Hash"/> is not read.</summary>
    /// <param name="previous">Hash of the record before, <see cref="Digest.Zero"/> for the first one.</param>
    public static Digest Next(Digest previous, JournalRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Tag);
        hash.AppendData(previous.ToArray());
        AppendText(hash, record.Stream.Value);
        AppendUInt64(hash, record.Seq);
        AppendUInt64(hash, record.Epoch.Value);
        AppendInt32(hash, (int)record.Kind);
        AppendInt32(hash, record.Version);
        AppendUInt64(hash, record.VmTime);
        hash.AppendData([(byte)(record.Command is null ? 0 : 1)]);
        if (record.Command is { } command)
        {
            AppendText(hash, command.Client);
            AppendText(hash, command.Command);
        }

        AppendInt32(hash, record.Payload.Length);
        hash.AppendData(record.Payload.Span);
        return Digest.FromBytes(hash.GetHashAndReset());
    }

    private static void AppendText(IncrementalHash hash, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        AppendInt32(hash, bytes.Length);
        hash.AppendData(bytes);
    }

    private static void AppendUInt64(IncrementalHash hash, ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        hash.AppendData(bytes);
    }

    private static void AppendInt32(IncrementalHash hash, int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        hash.AppendData(bytes);
    }
}
