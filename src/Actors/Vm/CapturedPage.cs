// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Vm;

/// <summary>A page of guest memory as it was at a slice's end.</summary>
/// <param name="Bytes">4096 bytes, or none for a page of zeros.</param>
public readonly record struct CapturedPage(int PageNumber, ReadOnlyMemory<byte> Bytes)
{
    public const int SizeBytes = 4096;

    public bool IsZero => Bytes.IsEmpty;

    /// <summary>Copies a page out of a guest.</summary>
    public static CapturedPage Of(IGuest guest, int pageNumber) => guest.IsZero(pageNumber)
        ? new CapturedPage(pageNumber, ReadOnlyMemory<byte>.Empty)
        : new CapturedPage(pageNumber, guest.Page(pageNumber).ToArray());
}
