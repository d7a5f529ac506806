// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Execute;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Memory;

// JUSTIFICATION: page walks and slow accesses touch RAM by physical address without a span and its second bounds check.
// SAFETY: every access is compared with the ends of RAM first; sizes are 1, 2, 4 or 8.

/// <summary>The vCPU's accesses to RAM by physical address. For page tables, descriptors and code there is nothing
/// outside of RAM: reads give all ones, writes are ignored.</summary>
internal static unsafe class PhysicalMemory
{
    public static bool IsRam(CpuState* state, ulong physical, int sizeBytes) =>
        physical < state->RamLowEnd
            ? (ulong)sizeBytes <= state->RamLowEnd - physical
            : physical >= GuestMemory.HighStart
                && physical < state->RamEnd && (ulong)sizeBytes <= state->RamEnd - physical;

    public static ulong Read(CpuState* state, ulong physical, int sizeBytes)
    {
        if (!IsRam(state, physical, sizeBytes))
        {
            return sizeBytes == 8 ? ulong.MaxValue : (1ul << (8 * sizeBytes)) - 1;
        }

        byte* host = state->Ram + physical;
        return sizeBytes switch
        {
            1 => *host,
            2 => *(ushort*)host,
            4 => *(uint*)host,
            8 => *(ulong*)host,
            _ => ReadBytes(host, sizeBytes),
        };
    }

    /// <summary>Writes inside one page; marks it dirty and drops code decoded from the bytes.</summary>
    public static void Write(CpuState* state, ulong physical, int sizeBytes, ulong value)
    {
        if (!IsRam(state, physical, sizeBytes))
        {
            return;
        }

        BeforeWrite(state, physical, sizeBytes);
        byte* host = state->Ram + physical;
        switch (sizeBytes)
        {
            case 1:
                *host = (byte)value;
                break;
            case 2:
                *(ushort*)host = (ushort)value;
                break;
            case 4:
                *(uint*)host = (uint)value;
                break;
            case 8:
                *(ulong*)host = value;
                break;
            default:
                WriteBytes(host, sizeBytes, value);
                break;
        }
    }

    /// <summary>Sets bits of a page table's entry, which no translation depends on: accessed and dirty.</summary>
    public static void SetEntryBits(CpuState* state, ulong physical, int sizeBytes, uint bits)
    {
        if (!IsRam(state, physical, sizeBytes) || (*(uint*)(state->Ram + physical) & bits) == bits)
        {
            return;
        }

        VcpuEngine.Of(state).Memory.BeforeEntryBits(
            (int)(physical / GuestMemory.PageBytes), (int)(physical % GuestMemory.PageBytes));
        *(uint*)(state->Ram + physical) |= bits;
    }

    /// <summary>From now on writes to the page are seen: a translation was read from it.</summary>
    public static void MarkTable(CpuState* state, ulong physical)
    {
        ulong page = physical / GuestMemory.PageBytes;
        if (IsRam(state, physical, 1) && (state->PageFlags[page] & PageFlags.Table) == 0)
        {
            VcpuEngine.Of(state).Memory.MarkTable((int)page);
        }
    }

    /// <summary>Marks the page dirty, and drops what was made of bytes that are about to change: decoded code,
    /// translations.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void BeforeWrite(CpuState* state, ulong physical, int sizeBytes)
    {
        byte* flags = state->PageFlags + (physical / GuestMemory.PageBytes);
        *flags |= PageFlags.AllDirty;
        if ((*flags & PageFlags.Watched) != 0)
        {
            VcpuEngine.Of(state).Memory.BeforeWrite(
                (int)(physical / GuestMemory.PageBytes), (int)(physical % GuestMemory.PageBytes), sizeBytes);
        }
    }

    private static ulong ReadBytes(byte* host, int count)
    {
        ulong value = 0;
        for (int index = 0; index < count; index++)
        {
            value |= (ulong)host[index] << (8 * index);
        }

        return value;
    }

    private static void WriteBytes(byte* host, int count, ulong value)
    {
        for (int index = 0; index < count; index++)
        {
            host[index] = (byte)(value >> (8 * index));
        }
    }
}
