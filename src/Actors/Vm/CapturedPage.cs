// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Memory;

namespace KvmActors.Actors.Vm;

/// <summary>A page of guest memory as it was at a slice's end.</summary>
/// <param name="Bytes">4096 bytes, or none for a page of zeros.</param>
public readonly record struct CapturedPage(int PageNumber, ReadOnlyMemory<byte> Bytes)
{
    public const int SizeBytes = 4096;

    public bool IsZero => Bytes.IsEmpty;

    public static CapturedPage Of(PageCopies copies, int pageNumber) => new(pageNumber, copies.Of(pageNumber));

    /// <summary>Every page of a guest that is not zero.</summary>
    public static ImmutableArray<CapturedPage> AllOf(IGuest guest, PageCopies copies) =>
    [
        .. Enumerable.Range(0, guest.PageCount).Where(page => !guest.IsZero(page)).Select(page => Of(copies, page)),
    ];
}
