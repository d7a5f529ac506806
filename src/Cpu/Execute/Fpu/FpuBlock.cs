// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: memory is reached through LinearMemory; the bytes are a span with its own bounds.

/// <summary>Memory operands of many bytes: environments, FSAVE, FXSAVE and XSAVE images.</summary>
/// <remarks>On false the fault is recorded and raised. Nothing is written unless all of it can be.</remarks>
internal static unsafe class FpuBlock
{
    private const int PageBytes = GuestMemory.PageBytes;

    /// <summary>The linear address, with the segment's checks for the whole; false with the fault raised.</summary>
    public static bool TryResolve(CpuState* state, Uop* uop, int bytes, AccessKind access, out ulong linear)
    {
        if (MemoryReference.Resolve(state, uop, bytes, access, out linear))
        {
            return true;
        }

        Faults.Raised(state);
        return false;
    }

    /// <summary>Reads in pieces of so many bytes: 2, 4 or 8.</summary>
    public static bool TryRead(CpuState* state, Uop* uop, ulong linear, int pieceBytes, Span<byte> into)
    {
        for (int at = 0; at < into.Length; at += pieceBytes)
        {
            int bytes = Math.Min(pieceBytes, into.Length - at);
            if (!LinearMemory.Read(state, FpuMemory.Next(state, linear, at), bytes, uop->Segment))
            {
                Faults.Raised(state);
                return false;
            }

            ulong loaded = state->Loaded;
            new ReadOnlySpan<byte>(&loaded, bytes).CopyTo(into[at..]);
        }

        return true;
    }

    /// <summary>Makes sure that every page can be written to.</summary>
    public static bool CanWrite(CpuState* state, Uop* uop, ulong linear, int pieceBytes, int bytes)
    {
        for (int at = 0; at < bytes; at += PageBytes)
        {
            int last = Math.Min(at + PageBytes, bytes) - pieceBytes;
            if (!LinearMemory.CheckWrite(state, FpuMemory.Next(state, linear, at), pieceBytes, uop->Segment)
                || !LinearMemory.CheckWrite(state, FpuMemory.Next(state, linear, last), pieceBytes, uop->Segment))
            {
                Faults.Raised(state);
                return false;
            }
        }

        return true;
    }

    /// <summary>Writes in pieces of so many bytes: 2, 4 or 8.</summary>
    public static bool TryWrite(CpuState* state, Uop* uop, ulong linear, int pieceBytes, ReadOnlySpan<byte> from)
    {
        for (int at = 0; at < from.Length; at += pieceBytes)
        {
            int bytes = Math.Min(pieceBytes, from.Length - at);
            ulong piece = 0;
            from.Slice(at, bytes).CopyTo(new Span<byte>(&piece, bytes));
            if (!LinearMemory.Write(state, FpuMemory.Next(state, linear, at), bytes, piece, uop->Segment))
            {
                Faults.Raised(state);
                return false;
            }
        }

        return true;
    }
}
