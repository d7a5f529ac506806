// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Security.Cryptography;

namespace KvmActors.Persistence;

/// <summary>A SHA-256 digest. Compared by its bytes.</summary>
public readonly record struct Digest
{
    public const int SizeBytes = 32;

    // The bytes in their order, eight a word, little-endian. The default value is Zero.
    private readonly ulong _word0;
    private readonly ulong _word1;
    private readonly ulong _word2;
    private readonly ulong _word3;

    private Digest(ReadOnlySpan<byte> bytes)
    {
        _word0 = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        _word1 = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
        _word2 = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]);
        _word3 = BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]);
    }

    /// <summary>All zero bytes: the hash before a stream's first record.</summary>
    public static Digest Zero => default;

    /// <summary>64 hexadecimal digits, lower case.</summary>
    public string Hex
    {
        get
        {
            Span<byte> bytes = stackalloc byte[SizeBytes];
            CopyTo(bytes);
            return Convert.ToHexStringLower(bytes);
        }
    }

    public static Digest Of(ReadOnlySpan<byte> bytes)
    {
        Span<byte> digest = stackalloc byte[SizeBytes];
        _ = SHA256.HashData(bytes, digest);
        return new Digest(digest);
    }

    /// <exception cref="ArgumentException">Not 32 bytes long.</exception>
    public static Digest FromBytes(ReadOnlySpan<byte> bytes) => bytes.Length == SizeBytes
        ? new Digest(bytes)
        : throw new ArgumentException($"Expected a digest of {SizeBytes} bytes, found {bytes.Length}.", nameof(bytes));

    /// <exception cref="ArgumentOutOfRangeException">The target is shorter than 32 bytes.</exception>
    public void CopyTo(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(target, _word0);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], _word1);
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], _word2);
        BinaryPrimitives.WriteUInt64LittleEndian(target[24..], _word3);
    }

    public byte[] ToArray()
    {
        byte[] bytes = new byte[SizeBytes];
        CopyTo(bytes);
        return bytes;
    }

    public override string ToString() => Hex;
}
