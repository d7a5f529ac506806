// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;

namespace KvmActors.Cpu.Memory;

// JUSTIFICATION: lies in CpuState, behind the same pointer as the caches it serves.
// SAFETY: Note writes below Capacity; the tags it keeps lie in the allocation of the state that holds the log.

/// <summary>Which tags of a cache were filled since it was last empty, so that a flush of a cache that has hardly been
/// used clears a few tags instead of all of them.</summary>
/// <remarks>A guest that writes CR0, CR3 or CR4 in a loop pays for the entries it used, not for the cache.</remarks>
[StructLayout(LayoutKind.Sequential, Size = SizeBytes)]
internal unsafe struct FillLog
{
    public const int Capacity = 63;
    public const int SizeBytes = sizeof(ulong) * (1 + Capacity);

    private long _count;
    private fixed ulong _tags[Capacity];

    /// <summary>To be called with each tag that is made valid.</summary>
    public void Note(ulong* tag)
    {
        if (_count < Capacity)
        {
            _tags[_count] = (ulong)tag;
        }

        _count++;
    }

    /// <summary>Makes the noted tags invalid and forgets them.</summary>
    /// <returns>False if there were too many to note: then the caller has to clear the whole cache.</returns>
    public bool TryClear(ulong invalid)
    {
        long count = _count;
        _count = 0;
        for (long index = 0; index < Math.Min(count, Capacity); index++)
        {
            *(ulong*)_tags[index] = invalid;
        }

        return count <= Capacity;
    }

    /// <summary>Makes those of the noted tags invalid, and forgets them, that lie from one address on and before
    /// another.</summary>
    /// <returns>False, with nothing done, if there were too many to note.</returns>
    public bool TryClear(ulong* first, ulong* end, ulong invalid)
    {
        if (_count > Capacity)
        {
            return false;
        }

        long kept = 0;
        for (long index = 0; index < _count; index++)
        {
            ulong* tag = (ulong*)_tags[index];
            if (tag >= first && tag < end)
            {
                *tag = invalid;
            }
            else
            {
                _tags[kept++] = (ulong)tag;
            }
        }

        _count = kept;
        return true;
    }
}
