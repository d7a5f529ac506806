// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: host code addresses inline caches relative to itself, so they lie beside it.
// SAFETY: the area lives as long as the code memory; HasRoom is asked before each block.

/// <summary>The return stack of a vCPU, and behind it the inline caches of its host code.</summary>
internal sealed unsafe class InlineCacheArea
{
    private readonly byte* _start;
    private readonly byte* _end;
    private readonly nint _toExecutable;
    private InlineCache* _next;

    /// <param name="memory">Where to; the return stack is aligned to its size, as pages are.</param>
    public InlineCacheArea(CodeMemory memory)
    {
        _start = memory.Data;
        _end = _start + memory.DataBytes;
        _toExecutable = memory.ToExecutable;
        Reset();
        Spare = Add(rip: 0);
        nint spare = (nint)(Spare + _toExecutable);
        new Span<nint>(_start, ReturnStack.SizeBytes / ReturnStack.EntryBytes).Fill(spare);
    }

    /// <summary>Where the return stack begins.</summary>
    public byte* Returns => _start;

    /// <summary>An inline cache of no jump, as host code addresses it: what the return stack is full of at first.
    /// </summary>
    public byte* Spare { get; }

    /// <summary>Forgets all but the spare one. What an old pointer leads to stays an inline cache.</summary>
    public void Reset() => _next = (InlineCache*)(_start + ReturnStack.SizeBytes) + (Spare == null ? 0 : 1);

    /// <summary>True if so many fit.</summary>
    public bool HasRoom(int count) => _end - (byte*)_next >= (long)count * InlineCache.SizeBytes;

    /// <returns>The new one, as host code addresses it.</returns>
    public byte* Add(ulong rip)
    {
        InlineCache* cache = _next++;
        *cache = new InlineCache { Epoch = InlineCache.NoEpoch, Rip = rip };
        return (byte*)cache - _toExecutable;
    }
}
