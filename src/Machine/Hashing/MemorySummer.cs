// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Security.Cryptography;
using KvmActors.Cpu.Memory;

namespace KvmActors.Machine.Hashing;

/// <summary>Keeps the <see cref="MemorySum"/> of one guest memory up to date at the cost of the pages written since it
/// was last asked.</summary>
/// <remarks>A sum mod 2^128 loses no information by order, so a changed page takes its old term out and puts its new
/// one in. It owns the dirty log's reader <see cref="DirtyReader.Hash"/>: nobody else may take it. Sixteen bytes are
/// kept per page of guest memory. Not thread-safe; the VM must not run meanwhile.</remarks>
internal sealed class MemorySummer
{
    private readonly GuestMemory _memory;
    private readonly UInt128[] _terms;
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
            sum = unchecked(sum + TermOf(memory, page));
        }

        return new MemorySum(sum);
    }

    /// <summary>Brings the sum up to date.</summary>
    public MemorySum Sum()
    {
        foreach (int page in _memory.TakeDirty(DirtyReader.Hash))
        {
            UInt128 term = TermOf(_memory, page);
            _sum = unchecked(_sum - _terms[page] + term);
            _terms[page] = term;
        }

        return new MemorySum(_sum);
    }

    private static UInt128 TermOf(GuestMemory memory, int page)
    {
        if (memory.IsZero(page))
        {
            return 0;
        }

        Span<byte> input = stackalloc byte[sizeof(ulong) + GuestMemory.PageBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(input, (ulong)page * GuestMemory.PageBytes);
        memory.Page(page).CopyTo(input[sizeof(ulong)..]);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        _ = SHA256.HashData(input, digest);
        return BinaryPrimitives.ReadUInt128LittleEndian(digest);
    }
}
