// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Vm;

namespace KvmActors.Actors.Migration;

/// <summary>A page on its way to the target of a move.</summary>
/// <param name="Bytes">As <paramref name="Form"/> says.</param>
/// <param name="SameAs">The other page, where the form says so; else 0.</param>
public readonly record struct MovedPage(int PageNumber, PageForm Form, ReadOnlyMemory<byte> Bytes, int SameAs)
{
    public static MovedPage Raw(CapturedPage page) => new(page.PageNumber, PageForm.Raw, page.Bytes, SameAs: 0);

    /// <summary>What it takes on the wire, with its number and form.</summary>
    public int WireBytes => Bytes.Length + OverheadBytes;

    private const int OverheadBytes = PageBatch.RecordBytes;
}
