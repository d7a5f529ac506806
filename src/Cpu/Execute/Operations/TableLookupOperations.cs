// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: memory is reached through MemoryReference and LinearMemory.

/// <summary>XLAT.</summary>
/// <remarks>Source: Intel SDM vol. 2, "XLAT/XLATB".</remarks>
internal static unsafe class TableLookupOperations
{
    public static void Register(InstructionTable table) => table.Add(Mnemonic.Xlatb, &LookUp);

    private static Outcome LookUp(CpuState* state, Uop* uop)
    {
        ulong offset = MemoryReference.Cut(state->Rbx + (byte)state->Rax, uop->AddressBits);
        bool read = MemoryReference.Resolve(
            state, uop->Segment, offset, sizeBytes: 1, AccessKind.Read, out ulong linear)
            && LinearMemory.Read(state, linear, sizeBytes: 1, uop->Segment);
        if (!read)
        {
            return Faults.Raised(state);
        }

        *(byte*)&state->Rax = (byte)state->Loaded;
        return Outcome.Next;
    }
}
