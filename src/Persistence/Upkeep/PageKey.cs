// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;

namespace KvmActors.Persistence.Upkeep;

/// <summary>The first half of a page's digest, so that the pages of a large store fit memory. Two pages of one key
/// would only be kept too long.</summary>
internal readonly record struct PageKey(ulong First, ulong Second)
{
    internal static PageKey Of(ReadOnlySpan<byte> digest) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(digest), BinaryPrimitives.ReadUInt64LittleEndian(digest[8..]));
}
