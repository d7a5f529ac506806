// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Memory;

/// <summary>The byte that is kept for each page of guest memory: one dirty bit a reader, and the code bit.</summary>
internal static class PageFlags
{
    /// <summary>Every <see cref="DirtyReader"/>'s bit: what a write sets.</summary>
    public const byte AllDirty = 0b0000_0111;

    /// <summary>Decoded blocks exist for bytes of this page, so a write has to be looked at. No write-TLB entry may
    /// exist for such a page.</summary>
    public const byte Code = 0b0000_1000;

    public static byte Dirty(DirtyReader reader) => (byte)(1 << (int)reader);
}
