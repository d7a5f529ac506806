// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: one copy of a run costs what ten single iterations cost.
// SAFETY: Forward bounds a run by the end of both pages; the caller has probed the first element of each.

/// <summary>Several iterations of MOVS or STOS at once, with the result of one after the other.</summary>
internal static unsafe class StringRun
{
    /// <summary>How many iterations stay in one page of each operand; 1 if they cannot be done at once.</summary>
    public static long Forward(CpuState* state, Uop* uop, long possible, ulong first, ulong second)
    {
        // Only where an offset cannot wrap or meet a limit on the way.
        bool isSimple = state->Mode == CpuMode.Long64 && uop->AddressBits == 64
            && (state->SystemFlags & RFlags.Direction) == 0;
        if (!isSimple)
        {
            return 1;
        }

        long left = Math.Min(LeftInPage(first), LeftInPage(second));
        return Math.Clamp(left >> uop->SizeLog, 1, possible);
    }

    /// <summary>Copies upwards element by element, so that an overlap repeats the pattern.</summary>
    public static void Copy(byte* from, byte* to, long length, int elementBytes)
    {
        bool repeats = to > from && to < from + length;
        if (!repeats)
        {
            Buffer.MemoryCopy(from, to, length, length);
            return;
        }

        for (long done = 0; done < length; done += elementBytes)
        {
            Buffer.MemoryCopy(from + done, to + done, elementBytes, elementBytes);
        }
    }

    public static void Fill(byte* to, long count, ulong value, int elementBytes)
    {
        switch (elementBytes)
        {
            case 1:
                new Span<byte>(to, (int)count).Fill((byte)value);
                break;
            case 2:
                new Span<ushort>(to, (int)count).Fill((ushort)value);
                break;
            case 4:
                new Span<uint>(to, (int)count).Fill((uint)value);
                break;
            default:
                new Span<ulong>(to, (int)count).Fill(value);
                break;
        }
    }

    private static long LeftInPage(ulong linear) =>
        GuestMemory.PageBytes - (long)(linear % GuestMemory.PageBytes);
}
