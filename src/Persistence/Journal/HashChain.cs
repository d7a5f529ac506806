// SPDX-License-Identifier: Apache-2.0

using System.Buffers;
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
    private const int StackBytes = 1024;

    // All but texts and payload: tag, hash, three lengths of texts, five numbers, the command's mark, a length.
    private const int FixedBytes =
        8 + Digest.SizeBytes + (3 * sizeof(int)) + (3 * sizeof(ulong)) + (2 * sizeof(int)) + 1 + sizeof(int);

    // A context of its own for each record costs a quarter of its hash.
    [ThreadStatic]
    private static IncrementalHash? s_sha;

    private static ReadOnlySpan<byte> Tag => "KVAJRNL1"u8;

    /// <summary>The hash of <paramref name="record"/> behind <paramref name="previous"/>. Its
    /// <see cref="JournalRecord.Hash"/> is not read.</summary>
    /// <param name="previous">Hash of the record before, <see cref="Digest.Zero"/> for the first one.</param>
    public static Digest Next(Digest previous, JournalRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        int length = LengthOf(record);
        byte[]? rented = length > StackBytes ? ArrayPool<byte>.Shared.Rent(length) : null;
        Span<byte> bytes = rented ?? stackalloc byte[StackBytes];
        int written = Write(bytes, previous, record);
        Span<byte> digest = stackalloc byte[Digest.SizeBytes];
        IncrementalHash sha = s_sha ??= IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        sha.AppendData(bytes[..written]);
        _ = sha.GetHashAndReset(digest);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return Digest.FromBytes(digest);
    }

    private static int Write(Span<byte> bytes, Digest previous, JournalRecord record)
    {
        Span<byte> rest = bytes;
        Put(ref rest, Tag);
        previous.CopyTo(rest);
        rest = rest[Digest.SizeBytes..];
        PutText(ref rest, record.Stream.Value);
        PutUInt64(ref rest, record.Seq);
        PutUInt64(ref rest, record.Epoch.Value);
        PutInt32(ref rest, (int)record.Kind);
        PutInt32(ref rest, record.Version);
        PutUInt64(ref rest, record.VmTime);
        Put(ref rest, [(byte)(record.Command is null ? 0 : 1)]);
        if (record.Command is { } command)
        {
            PutText(ref rest, command.Client);
            PutText(ref rest, command.Command);
        }

        PutInt32(ref rest, record.Payload.Length);
        Put(ref rest, record.Payload.Span);
        return bytes.Length - rest.Length;
    }

    /// <summary>At most so many bytes are hashed.</summary>
    private static int LengthOf(JournalRecord record)
    {
        int texts = Encoding.UTF8.GetMaxByteCount(record.Stream.Value.Length)
            + (record.Command is { } command
                ? Encoding.UTF8.GetMaxByteCount(command.Client.Length)
                    + Encoding.UTF8.GetMaxByteCount(command.Command.Length)
                : 0);
        return FixedBytes + texts + record.Payload.Length;
    }

    private static void Put(ref Span<byte> rest, scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(rest);
        rest = rest[bytes.Length..];
    }

    private static void PutText(ref Span<byte> rest, string text)
    {
        int length = Encoding.UTF8.GetBytes(text, rest[sizeof(int)..]);
        BinaryPrimitives.WriteInt32LittleEndian(rest, length);
        rest = rest[(sizeof(int) + length)..];
    }

    private static void PutUInt64(ref Span<byte> rest, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(rest, value);
        rest = rest[sizeof(ulong)..];
    }

    private static void PutInt32(ref Span<byte> rest, int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(rest, value);
        rest = rest[sizeof(int)..];
    }
}
