// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Memory;

namespace KvmActors.Actors.Replay;

/// <summary>A whole guest memory that shares with others what they have in common. Immutable.</summary>
/// <remarks>Pages are compared by reference: two maps that come from each other share all pages that were not written
/// in between. A chunk of 512 pages is copied where one of its pages changes.</remarks>
internal sealed class PageMap
{
    private const int ChunkPages = 512;

    private static readonly byte[]?[] s_zeros = new byte[ChunkPages][];
    private static readonly byte[] s_zero = new byte[GuestMemory.PageBytes];

    private readonly byte[]?[][] _chunks;

    private PageMap(byte[]?[][] chunks) => _chunks = chunks;

    /// <summary>A memory of zeros.</summary>
    public static PageMap Zero(int pageCount)
    {
        byte[]?[][] chunks = new byte[(pageCount + ChunkPages - 1) / ChunkPages][][];
        Array.Fill(chunks, s_zeros);
        return new PageMap(chunks);
    }

    public ReadOnlyMemory<byte> this[int page] => At(page) ?? s_zero;

    /// <summary>This map with other pages at some places.</summary>
    /// <param name="pages">Null is a page of zeros. The arrays are kept, and must not change.</param>
    public PageMap With(IEnumerable<(int PageNumber, byte[]? Bytes)> pages)
    {
        byte[]?[][] chunks = (byte[]?[][])_chunks.Clone();
        foreach ((int page, byte[]? bytes) in pages)
        {
            int chunk = page / ChunkPages;
            if (ReferenceEquals(chunks[chunk], _chunks[chunk]))
            {
                chunks[chunk] = (byte[]?[])_chunks[chunk].Clone();
            }

            chunks[chunk][page % ChunkPages] = bytes;
        }

        return new PageMap(chunks);
    }

    /// <summary>The pages that are not the same in the other map.</summary>
    public IEnumerable<int> DifferingFrom(PageMap other)
    {
        for (int chunk = 0; chunk < _chunks.Length; chunk++)
        {
            if (ReferenceEquals(_chunks[chunk], other._chunks[chunk]))
            {
                continue;
            }

            for (int index = 0; index < ChunkPages; index++)
            {
                if (!ReferenceEquals(_chunks[chunk][index], other._chunks[chunk][index]))
                {
                    yield return (chunk * ChunkPages) + index;
                }
            }
        }
    }

    private byte[]? At(int page) => _chunks[page / ChunkPages][page % ChunkPages];
}
