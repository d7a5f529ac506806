// SPDX-License-Identifier: Apache-2.0

using System.Security.Cryptography;

namespace KvmActors.Persistence;

/// <summary>A SHA-256 digest. Compared by its bytes.</summary>
public readonly record struct Digest
{
    public const int SizeBytes = 32;

    private readonly string? _hex;

    private Digest(string hex) => _hex = hex;

    /// <summary>All zero bytes: the hash before a stream's first record.</summary>
    public static Digest Zero { get; } = new(new string('0', SizeBytes * 2));

    public string Hex => _hex ?? Zero._hex!;

    public static Digest Of(ReadOnlySpan<byte> bytes) => new(Convert.ToHexStringLower(SHA256.HashData(bytes)));

    /// <exception cref="ArgumentException">Not 32 bytes long.</exception>
    public static Digest FromBytes(ReadOnlySpan<byte> bytes) => bytes.Length == SizeBytes
        ? new Digest(Convert.ToHexStringLower(bytes))
        : throw new ArgumentException($"Expected a digest of {SizeBytes} bytes, found {bytes.Length}.", nameof(bytes));

    public byte[] ToArray() => Convert.FromHexString(Hex);

    public bool Equals(Digest other) => string.Equals(Hex, other.Hex, StringComparison.Ordinal);

    public override int GetHashCode() => string.GetHashCode(Hex, StringComparison.Ordinal);

    public override string ToString() => Hex;
}
