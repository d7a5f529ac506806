// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using KvmActors.Cpu.Memory;

namespace KvmActors.Machine.Hashing;

/// <summary>Keeps the <see cref="MemorySum"/> of one guest memory up to date at the cost of the pages written since it
/// was last asked.</summary>
/// <remarks>A sum mod 2^128 loses no information by order, so a changed page takes its old term out and puts its new
/// one in. It owns the dirty log's reader <see cref="DirtyReader.Hash"/>: nobody else may take it. Sixteen bytes are
/// kept per page of guest memory. Not thread-safe, and the VM must not run meanwhile, but for
/// the completion of what was captured.</remarks>
internal sealed class MemorySummer
{
    private readonly GuestMemory _memory;
    private readonly UInt128[] _terms;
    private readonly Queue<Batch> _batches = [];
    private UInt128 _sum;

    /// <param name="memory">Memory that was zero when its dirty log began, so that every page with content is in
    /// it.</param>
    public MemorySummer(GuestMemory memory)
    {
        _memory = memory;
        _terms = new UInt128[memory.PageCount];
    }

    /// <summary>The sum computed from every page, by the definition and without a dirty log: the slow, plain reference.
    /// </summary>
    public static MemorySum SumFromScratch(GuestMemory memory)
    {
        UInt128 sum = 0;
        for (int page = 0; page < memory.PageCount; page++)
        {
            sum = unchecked(sum + (memory.IsZero(page) ? 0 : TermOf(page, memory.Page(page))));
        }

        return new MemorySum(sum);
    }

    /// <summary>Brings the sum up to date, from the pages where they lie.</summary>
    public MemorySum Sum()
    {
        lock (_batches)
        {
            while (_batches.TryDequeue(out Batch? captured))
            {
                WorkOff(captured);
            }

            foreach (int page in _memory.TakeDirty(DirtyReader.Hash))
            {
                Replace(page, _memory.IsZero(page) ? 0 : TermOf(page, _memory.Page(page)));
            }

            return new MemorySum(_sum);
        }
    }

    /// <summary>Copies the pages written since the last call, and leaves their hashes, which cost several times as
    /// much, to whoever completes the sum.</summary>
    public PendingMemorySum Capture(PageCopies copies)
    {
        ImmutableArray<int> dirty = _memory.TakeDirty(DirtyReader.Hash);
        Batch batch = new([.. dirty.Select(page => (page, copies.Of(page)))]);
        lock (_batches)
        {
            _batches.Enqueue(batch);
        }

        return new PendingMemorySum(() => Complete(batch));
    }

    /// <summary>Works off the batches up to this one, in order: a page may be in several.</summary>
    private MemorySum Complete(Batch batch)
    {
        lock (_batches)
        {
            while (batch.Sum is null)
            {
                WorkOff(_batches.Dequeue());
            }

            return batch.Sum.Value;
        }
    }

    private void WorkOff(Batch batch)
    {
        foreach ((int page, ReadOnlyMemory<byte> bytes) in batch.Pages)
        {
            Replace(page, bytes.IsEmpty ? 0 : TermOf(page, bytes.Span));
        }

        batch.Pages = [];
        batch.Sum = new MemorySum(_sum);
    }

    private void Replace(int page, UInt128 term)
    {
        _sum = unchecked(_sum - _terms[page] + term);
        _terms[page] = term;
    }

    private static UInt128 TermOf(int page, ReadOnlySpan<byte> bytes)
    {
        Span<byte> input = stackalloc byte[sizeof(ulong) + GuestMemory.PageBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(input, (ulong)page * GuestMemory.PageBytes);
        bytes.CopyTo(input[sizeof(ulong)..]);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        _ = SHA256.HashData(input, digest);
        return BinaryPrimitives.ReadUInt128LittleEndian(digest);
    }

    /// <summary>Pages as they were at one capture.</summary>
    private sealed class Batch(ImmutableArray<(int PageNumber, ReadOnlyMemory<byte> Bytes)> pages)
    {
        /// <summary>No bytes: a page of zeros. Empty once it was worked off.</summary>
        public ImmutableArray<(int PageNumber, ReadOnlyMemory<byte> Bytes)> Pages { get; set; } = pages;

        public MemorySum? Sum { get; set; }
    }
}
