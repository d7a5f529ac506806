// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Protection;

// JUSTIFICATION: see CpuState.
// SAFETY: memory is reached through MemoryReference and LinearMemory.

/// <summary>An offset and a selector behind it, in memory.</summary>
internal static unsafe class FarPointer
{
    /// <summary>Reads both; false with the fault raised.</summary>
    public static bool TryRead(
        CpuState* state, Uop* uop, int offsetBytes, out ulong offset, out ushort selector)
    {
        ulong start = MemoryReference.Offset(state, uop);
        ulong behind = MemoryReference.Cut(start + (ulong)offsetBytes, uop->AddressBits);
        bool read = TryRead(state, uop, start, offsetBytes);
        offset = state->Loaded;
        read = read && TryRead(state, uop, behind, bytes: 2);
        selector = (ushort)state->Loaded;
        state->Exit = read ? state->Exit : ExitReason.Fault;
        return read;
    }

    private static bool TryRead(CpuState* state, Uop* uop, ulong offset, int bytes) =>
        MemoryReference.Resolve(state, uop->Segment, offset, bytes, AccessKind.Read, out ulong linear)
        && LinearMemory.Read(state, linear, bytes, uop->Segment);
}
