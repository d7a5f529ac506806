// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu;
using KvmActors.Cpu.Memory;

namespace KvmActors.Machine.Loaders;

/// <summary>Where a PC has RAM, and where this one puts what its kernels are told.</summary>
internal static class MemoryMap
{
    /// <summary>Where conventional memory ends; above it a PC has its EBDA, display and ROMs.</summary>
    public const ulong LowMemoryEnd = 0x9_FC00;

    public const ulong HighMemoryStart = 0x10_0000;

    private const uint Available = 1;
    private const uint Reserved = 2;

    /// <param name="memoryBytes">Guest RAM.</param>
    public static ImmutableArray<MemoryRange> Of(ulong memoryBytes) => memoryBytes switch
    {
        <= HighMemoryStart => [new(0, Math.Min(memoryBytes, LowMemoryEnd), Available)],
        <= GuestMemory.LowEndMax => Low(memoryBytes),
        _ => Low(GuestMemory.LowEndMax).Add(
            new(GuestMemory.HighStart, memoryBytes - GuestMemory.LowEndMax, Available)),
    };

    /// <summary>True if memory has this range and the image leaves it free.</summary>
    public static bool IsFree(BootImage image, GuestMemory memory, ulong start, ulong lengthBytes) =>
        memory.IsRam(new Gpa(start), lengthBytes)
        && image.Segments.All(segment => segment.End <= start || segment.Start.Value >= start + lengthBytes);

    /// <summary>Checks that low memory from a start on is free for what a kernel is told.</summary>
    /// <param name="kernel">Which kind of kernel, in words.</param>
    /// <exception cref="BootImageException">The image lies there, or memory ends before.</exception>
    public static void CheckLowMemory(BootImage image, GuestMemory memory, ulong start, string kernel)
    {
        if (!IsFree(image, memory, start, LowMemoryEnd - start))
        {
            throw BootImageException.Of(
                $"a {kernel} kernel that leaves GPA 0x{start:x} to 0x{LowMemoryEnd:x} free, in at least as much memory",
                $"segments from GPA 0x{image.Segments.Min(segment => segment.Start.Value):x} in "
                + $"{memory.SizeBytes >> 10} KiB",
                "Give the VM more memory (--memory), or a kernel that is linked at 1 MiB or above.");
        }
    }

    /// <summary>Places the initial RAM disk at a page's start behind the image, below 4 GiB.</summary>
    /// <param name="top">As high as it goes, or as low.</param>
    /// <exception cref="BootImageException">There is no room.</exception>
    public static Gpa PlaceInitrd(BootImage image, GuestMemory memory, bool top)
    {
        const ulong PageMask = GuestMemory.PageBytes - 1;
        ulong lengthBytes = (ulong)image.Initrd.Length;
        ulong imageEnd = (Math.Max(image.Segments.Max(segment => segment.End), HighMemoryStart) + PageMask) & ~PageMask;
        if (!memory.IsRam(new Gpa(imageEnd), lengthBytes))
        {
            throw BootImageException.Of(
                $"{lengthBytes} bytes of memory behind the image for the initial RAM disk",
                $"{memory.RamFrom(new Gpa(imageEnd))} of {memory.SizeBytes >> 20} MiB",
                "Give the VM more memory (--memory).");
        }

        Gpa start = new(top ? (memory.LowEnd - lengthBytes) & ~PageMask : imageEnd);
        memory.Write(start, image.Initrd.Span);
        return start;
    }

    private static ImmutableArray<MemoryRange> Low(ulong end) =>
    [
        new(0, LowMemoryEnd, Available),
        new(LowMemoryEnd, HighMemoryStart - LowMemoryEnd, Reserved),
        new(HighMemoryStart, end - HighMemoryStart, Available),
    ];
}
