// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Memory;

/// <summary>The byte that is kept for each page of guest memory: one dirty bit a reader, the code bit and
/// the table bit.</summary>
internal static class PageFlags
{
    /// <summary>Every <see cref="DirtyReader"/>'s bit: what a write sets.</summary>
    public const byte AllDirty = 0b0000_0111;

    /// <summary>Decoded blocks exist for bytes of this page, so a write has to be looked at. No write-TLB entry may
    /// exist for such a page.</summary>
    public const byte Code = 0b0000_1000;

    /// <summary>Translations that are in some TLB were read from this page, so a write has to be looked at. No
    /// write-TLB entry may exist for such a page.</summary>
    public const byte Table = 0b0001_0000;

    /// <summary>A write has to be looked at.</summary>
    public const byte Watched = Code | Table;

    public static byte Dirty(DirtyReader reader) => (byte)(1 << (int)reader);
}
