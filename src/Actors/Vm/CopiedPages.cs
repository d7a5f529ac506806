// SPDX-License-Identifier: Apache-2.0

using System.Buffers;
using System.Collections.Immutable;
using KvmActors.Cpu.Memory;

namespace KvmActors.Actors.Vm;

/// <summary>Pages of a guest as they were between two slices, in a buffer that is used again once this is disposed
/// of.</summary>
/// <remarks>Whoever takes the pages on disposes of it; where nobody does, the garbage collector has it.</remarks>
internal sealed class CopiedPages : IDisposable
{
    private readonly ImmutableArray<CapturedPage>.Builder _pages = ImmutableArray.CreateBuilder<CapturedPage>();
    private byte[]? _buffer;
    private int _used;

    /// <param name="pagesMax">That are not zero.</param>
    public CopiedPages(int pagesMax) => _buffer = ArrayPool<byte>.Shared.Rent(pagesMax * GuestMemory.PageBytes);

    /// <summary>Not to be used behind <see cref="Dispose"/>.</summary>
    public ImmutableArray<CapturedPage> All => _pages.ToImmutable();

    public int Count => _pages.Count;

    /// <param name="skipsZero">A page of zeros is left out.</param>
    public void Add(IGuest guest, int pageNumber, bool skipsZero)
    {
        if (!guest.IsZero(pageNumber))
        {
            Memory<byte> copy = _buffer.AsMemory(_used, GuestMemory.PageBytes);
            guest.Page(pageNumber).CopyTo(copy.Span);
            _used += GuestMemory.PageBytes;
            _pages.Add(new CapturedPage(pageNumber, copy));
        }
        else if (!skipsZero)
        {
            _pages.Add(new CapturedPage(pageNumber, ReadOnlyMemory<byte>.Empty));
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } used)
        {
            ArrayPool<byte>.Shared.Return(used);
        }
    }
}
