// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Decode;

// JUSTIFICATION: blocks and micro-operations are walked by pointer in the hottest loop of the engine and must not move.
// SAFETY: memory of a block is only reused by DropAll, which callers follow with a flush of the jump cache and which
// never runs while a handler does. Page numbers come from translations that were checked against the size of RAM.

/// <summary>The decoded blocks of one vCPU, by physical address, RIP and mode; invalidated by writes to their bytes.
/// </summary>
internal sealed unsafe class BlockCache : IDisposable
{
    /// <summary>Bound on the memory for blocks. At the bound everything is dropped and decoded again as
    /// needed.</summary>
    public const long ArenaBytesMax = 96L << 20;

    private const int ChunkBytes = 1 << 20;
    private const int BucketCount = 1 << 14;
    private const int GrainShift = 6;

    private readonly GuestMemory _memory;
    private readonly List<nint> _chunks = [];
    private readonly delegate* managed<CpuState*, Uop*, Uop*> _leave;
    private readonly IBlockTier? _tier;
    private Block** _buckets;
    private Block** _pageLists;

    // For each page a bit for each 64 bytes that a block covers, so that data beside code costs no list walk.
    private ulong* _pageGrains;
    private int _chunksInUse;
    private int _usedInChunk = ChunkBytes;

    /// <param name="memory">Where code is decoded from.</param>
    /// <param name="leave">The handler of every micro-operation of an invalid block.</param>
    /// <param name="tier">What may put itself before blocks, or null; disposed with the cache.</param>
    public BlockCache(GuestMemory memory, delegate* managed<CpuState*, Uop*, Uop*> leave, IBlockTier? tier)
    {
        _memory = memory;
        _leave = leave;
        _tier = tier;
        _buckets = (Block**)NativeMemory.AllocZeroed(BucketCount, (nuint)sizeof(Block*));
        _pageLists = (Block**)NativeMemory.AllocZeroed((nuint)memory.PageCount, (nuint)sizeof(Block*));
        _pageGrains = (ulong*)NativeMemory.AllocZeroed((nuint)memory.PageCount, sizeof(ulong));
    }

    ~BlockCache() => Release();

    /// <summary>True if a block of the largest size might not fit: time for <see cref="DropAll"/>.</summary>
    public bool IsFull => _chunksInUse * (long)ChunkBytes >= ArenaBytesMax || _tier is { IsFull: true };

    public IBlockTier? Tier => _tier;

    /// <summary>Times that every block was forgotten.</summary>
    public long Drops { get; private set; }

    /// <summary>The block decoded from these bytes for this RIP and mode, or null.</summary>
    public Block* Find(ulong physical, ulong rip, CpuMode mode)
    {
        Block* block = *Bucket(physical);
        while (block != null && (block->Physical != physical || block->Rip != rip || block->Mode != mode))
        {
            block = block->NextInBucket;
        }

        return block;
    }

    /// <summary>Memory for a block with this many micro-operations, its leaving one included.</summary>
    public Block* Allocate(int uopCount)
    {
        // One more before the first, for a tier.
        int bytes = (sizeof(Block) + ((1 + uopCount) * sizeof(Uop)) + 63) & ~63;
        if (_usedInChunk + bytes > ChunkBytes)
        {
            if (_chunksInUse == _chunks.Count)
            {
                _chunks.Add((nint)NativeMemory.AlignedAlloc(ChunkBytes, 64));
            }

            _chunksInUse++;
            _usedInChunk = 0;
        }

        var block = (Block*)((byte*)_chunks[_chunksInUse - 1] + _usedInChunk);
        _usedInChunk += bytes;
        NativeMemory.Clear(block, (nuint)sizeof(Block));
        block->First = (Uop*)(block + 1) + 1;
        block->Entry = block->First;
        return block;
    }

    /// <summary>Makes a block findable, and its pages watched for writes.</summary>
    public void Add(Block* block)
    {
        Block** bucket = Bucket(block->Physical);
        block->NextInBucket = *bucket;
        *bucket = block;
        block->NextInPage = _pageLists[block->Page];
        _pageLists[block->Page] = block;
        MarkGrains(block, block->Page);
        _memory.MarkCode(block->Page);
        if (block->SecondPage != Block.NoPage)
        {
            block->NextInSecondPage = _pageLists[block->SecondPage];
            _pageLists[block->SecondPage] = block;
            MarkGrains(block, block->SecondPage);
            _memory.MarkCode(block->SecondPage);
        }

        _tier?.OnAdded(block);
    }

    /// <summary>Makes every block that has one of these bytes unfindable, and leave at once if it is running.</summary>
    /// <returns>True if blocks of that page remain.</returns>
    public bool Invalidate(int page, int offset, int length)
    {
        int firstGrain = offset >> GrainShift;
        int lastGrain = (offset + length - 1) >> GrainShift;
        ulong touched = (ulong.MaxValue << firstGrain) & (ulong.MaxValue >> (63 - lastGrain));
        if ((_pageGrains[page] & touched) == 0)
        {
            return _pageLists[page] != null;
        }

        _pageGrains[page] = 0;
        Block** link = &_pageLists[page];
        while (*link != null)
        {
            Block* block = *link;
            Block** next = block->Page == page ? &block->NextInPage : &block->NextInSecondPage;
            if (block->IsValid && Covers(block, page, offset, length))
            {
                _tier?.OnOverwritten(block);
                Invalidate(block);
            }

            if (block->IsValid)
            {
                MarkGrains(block, page);
                link = next;
            }
            else
            {
                *link = *next;
            }
        }

        return _pageLists[page] != null;
    }

    /// <summary>Makes a block unfindable, and leave at once if it is running.</summary>
    public void Invalidate(Block* block)
    {
        _tier?.OnInvalidated(block);
        block->Rip = Block.InvalidRip;
        block->EntryCost = Block.NoEntry;
        for (int index = 0; index <= block->Count; index++)
        {
            block->First[index].Handler = _leave;
        }

        Block** link = Bucket(block->Physical);
        while (*link != block)
        {
            link = &(*link)->NextInBucket;
        }

        *link = block->NextInBucket;
    }

    /// <summary>Forgets every block. Only while no block runs; the caller flushes the jump cache.</summary>
    public void DropAll()
    {
        NativeMemory.Clear(_buckets, (nuint)(BucketCount * sizeof(Block*)));
        NativeMemory.Clear(_pageLists, (nuint)_memory.PageCount * (nuint)sizeof(Block*));
        NativeMemory.Clear(_pageGrains, (nuint)_memory.PageCount * sizeof(ulong));
        _chunksInUse = 0;
        _usedInChunk = ChunkBytes;
        Drops++;
        _tier?.OnDropped();
    }

    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private static (int First, int Last) BytesIn(Block* block, int page)
    {
        int first = (int)(block->Physical % GuestMemory.PageBytes);
        int last = first + block->Bytes - 1;
        return page == block->Page
            ? (first, Math.Min(last, GuestMemory.PageBytes - 1))
            : (0, last - GuestMemory.PageBytes);
    }

    private static bool Covers(Block* block, int page, int offset, int length)
    {
        (int first, int last) = BytesIn(block, page);
        return offset <= last && offset + length > first;
    }

    private void MarkGrains(Block* block, int page)
    {
        (int first, int last) = BytesIn(block, page);
        ulong upTo = ulong.MaxValue >> (63 - (last >> GrainShift));
        _pageGrains[page] |= (ulong.MaxValue << (first >> GrainShift)) & upTo;
    }

    private Block** Bucket(ulong physical) => _buckets + ((physical ^ (physical >> 14)) & (BucketCount - 1));

    private void Release()
    {
        _tier?.Dispose();
        foreach (nint chunk in _chunks)
        {
            NativeMemory.AlignedFree((void*)chunk);
        }

        _chunks.Clear();
        NativeMemory.Free(_buckets);
        NativeMemory.Free(_pageLists);
        NativeMemory.Free(_pageGrains);
        _buckets = null;
        _pageLists = null;
        _pageGrains = null;
    }
}
