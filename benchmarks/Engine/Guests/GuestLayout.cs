// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Benchmarks.Engine.Guests;

/// <summary>Where things are in a guest's memory, mapped one to one in pages of 4 KiB.</summary>
internal static class GuestLayout
{
    public const uint MemoryBytes = 64 << 20;
    public const uint PageBytes = 4096;

    /// <summary>Four levels of page tables: one page each for the upper three, then one for each 2 MiB.</summary>
    public const uint PageMapLevel4 = 0x10_0000;
    public const uint PagePointers = PageMapLevel4 + PageBytes;
    public const uint PageDirectory = PagePointers + PageBytes;
    public const uint PageTables = PageDirectory + PageBytes;
    public const uint PageTableCount = MemoryBytes >> 21;

    public const uint InterruptTable = 0x18_0000;
    public const uint StackTop = 0x30_0000;

    /// <summary>Where the image goes, and the entry: 32-bit code.</summary>
    public const uint Image = 0x40_0000;

    /// <summary>The 64-bit code.</summary>
    public const uint Program = Image + PageBytes;

    /// <summary>What programs read and write, up to the page that is not there.</summary>
    public const uint Data = 0x100_0000;

    /// <summary>Not a multiple of 16 MiB behind <see cref="Data"/>.</summary>
    public const uint Destination = 0x201_1000;

    /// <summary>The last page of memory; programs that take faults unmap it.</summary>
    public const uint LastPage = MemoryBytes - PageBytes;
    public const uint LastPageEntry = PageTables + (LastPage / PageBytes * 8);

    /// <summary>Present, writable and for all privileges.</summary>
    public const uint PageRights = 7;

    public const ushort Code32 = 0x08;
    public const ushort Data0 = 0x10;

    /// <summary>In SYSCALL's order: code, then stack.</summary>
    public const ushort Code64 = 0x18;

    /// <summary>In SYSRET's order: 32-bit code (none), stack, 64-bit code.</summary>
    public const ushort UserBase = 0x28;
}
