// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;

namespace KvmActors.Cpu.Memory;

// JUSTIFICATION: .NET cannot ask for huge pages for memory that it allocates.
// SAFETY: the system is advised on whole pages of a block that the caller owns; advice never changes what is in them.

/// <summary>The size of the host's pages that back a guest's RAM.</summary>
/// <remarks>A guest that walks through its RAM otherwise waits for the host's page tables as well as for its own: where
/// the system gives transparent huge pages to those who ask (<c>madvise</c>, the default of most distributions), one
/// entry of the host's TLB maps 2 MiB of RAM instead of 4 KiB.</remarks>
internal static unsafe partial class HostPages
{
    /// <summary>A page of the second level of x86-64 page tables, and the alignment that it needs.</summary>
    public const int HugePageBytes = 2 << 20;

    /// <summary>From this size on a block is for huge pages. What a VM touches first then takes 2 MiB, which a node of
    /// many tiny VMs would feel.</summary>
    public const ulong HugeFrom = 16 * HugePageBytes;

    /// <summary>MADV_HUGEPAGE (Linux, include/uapi/asm-generic/mman-common.h).</summary>
    private const int AdviseHugePage = 14;

    /// <summary>Bytes that a block is aligned to, of which its allocation needs as many more.</summary>
    public static nuint AlignmentFor(ulong sizeBytes) =>
        sizeBytes >= HugeFrom ? HugePageBytes : (nuint)GuestMemory.PageBytes;

    /// <summary>Advises the system to back untouched memory with huge pages. One that cannot leaves it at small ones,
    /// with which everything works.</summary>
    /// <param name="start">Aligned as <see cref="AlignmentFor"/> says.</param>
    public static void Advise(byte* start, ulong sizeBytes)
    {
        if (sizeBytes >= HugeFrom && OperatingSystem.IsLinux())
        {
            _ = AdviseMemory(start, (nuint)sizeBytes, AdviseHugePage);
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int AdviseMemory(void* address, nuint length, int advice);
}
