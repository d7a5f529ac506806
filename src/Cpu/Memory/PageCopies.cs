// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Memory;

/// <summary>Pages of guest memory as they are at one moment, each copied once, however many ask for it: what a guest
/// stands still for while it is captured.</summary>
/// <remarks>The copies lie side by side in large blocks, which the garbage collector does not move. Not thread-safe,
/// and only for while the guest does not run; the copies outlive that.</remarks>
public sealed class PageCopies(GuestMemory memory)
{
    /// <summary>1 MiB, so that a few pages kept for long do not hold much beside them.</summary>
    private const int BlockBytesMax = 256 * GuestMemory.PageBytes;

    private readonly Dictionary<int, ReadOnlyMemory<byte>> _copies = [];
    private Memory<byte> _room;

    /// <returns>4096 bytes, or none for a page of zeros.</returns>
    /// <exception cref="ArgumentOutOfRangeException">No such page.</exception>
    public ReadOnlyMemory<byte> Of(int pageNumber)
    {
        if (!_copies.TryGetValue(pageNumber, out ReadOnlyMemory<byte> copy))
        {
            copy = memory.IsZero(pageNumber) ? ReadOnlyMemory<byte>.Empty : Copy(memory.Page(pageNumber));
            _copies.Add(pageNumber, copy);
        }

        return copy;
    }

    private ReadOnlyMemory<byte> Copy(ReadOnlySpan<byte> page)
    {
        if (_room.IsEmpty)
        {
            // Doubling from 16 pages: a capture of little takes little.
            int bytes = Math.Clamp(_copies.Count * GuestMemory.PageBytes, 16 * GuestMemory.PageBytes, BlockBytesMax);
            _room = GC.AllocateUninitializedArray<byte>(bytes);
        }

        Memory<byte> copy = _room[..page.Length];
        _room = _room[page.Length..];
        page.CopyTo(copy.Span);
        return copy;
    }
}
