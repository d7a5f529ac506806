// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operands;

// JUSTIFICATION: see CpuState.
// SAFETY: see LinearMemory.

/// <summary>The current stack, in every mode and size.</summary>
/// <remarks>On false the fault is recorded and raised. Source: Intel SDM vol. 1, section 6.2 "Stacks".</remarks>
internal static unsafe class StackAccess
{
    /// <summary>Which bits of RSP address the stack: by SS.B, or all in 64-bit mode.</summary>
    public static ulong PointerMask(CpuState* state) =>
        state->Mode == CpuMode.Long64 ? ulong.MaxValue
        : (CpuState.Segment(state, SegmentName.Ss)->Attributes & SegmentCache.Big) != 0 ? uint.MaxValue
        : ushort.MaxValue;

    public static bool TryPush(CpuState* state, ulong value, int sizeBytes)
    {
        ulong pointer = Moved(state, -sizeBytes);
        if (!TryWrite(state, pointer, value, sizeBytes))
        {
            return false;
        }

        state->Rsp = pointer;
        return true;
    }

    /// <summary>Reads an element above the top without removing it.</summary>
    public static bool TryPeek(CpuState* state, int offsetBytes, int sizeBytes, out ulong value)
    {
        ulong offset = Moved(state, offsetBytes) & PointerMask(state);
        bool read = MemoryReference.Resolve(state, SegmentName.Ss, offset, sizeBytes, AccessKind.Read, out ulong linear)
            && LinearMemory.Read(state, linear, sizeBytes, SegmentName.Ss);
        value = state->Loaded;
        state->Exit = read ? state->Exit : ExitReason.Fault;
        return read;
    }

    /// <summary>Writes below a pointer that is not committed yet.</summary>
    public static bool TryWrite(CpuState* state, ulong pointer, ulong value, int sizeBytes)
    {
        ulong offset = pointer & PointerMask(state);
        bool written = MemoryReference.Resolve(
            state, SegmentName.Ss, offset, sizeBytes, AccessKind.Write, out ulong linear)
            && LinearMemory.Write(state, linear, sizeBytes, value, SegmentName.Ss);
        state->Exit = written ? state->Exit : ExitReason.Fault;
        return written;
    }

    public static void Drop(CpuState* state, int bytes) => state->Rsp = Moved(state, bytes);

    /// <summary>RSP moved by so many bytes; bits that do not address the stack stay.</summary>
    public static ulong Moved(CpuState* state, int bytes) => Moved(state, state->Rsp, bytes);

    public static ulong Moved(CpuState* state, ulong pointer, int bytes)
    {
        ulong mask = PointerMask(state);
        return (pointer & ~mask) | ((pointer + (ulong)(long)bytes) & mask);
    }
}
