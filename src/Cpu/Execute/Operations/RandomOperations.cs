// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: touches only the state.

/// <summary>RDRAND and RDSEED: the next number of the vCPU's <see cref="RandomSequence"/>, which is always ready.
/// </summary>
/// <remarks>Source: Intel SDM vol. 2B, "RDRAND", "RDSEED": CF is set, the other status flags are cleared.</remarks>
internal static unsafe class RandomOperations
{
    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Rdrand, &Draw, GuestFeature.Rdrand);
        table.Add(Mnemonic.Rdseed, &Draw, GuestFeature.Rdseed);
    }

    private static Outcome Draw(CpuState* state, Uop* uop)
    {
        ulong number = RandomSequence.At(state->RandomStart, state->RandomsDrawn);
        state->RandomsDrawn++;
        RegisterFile.Write(state, uop->Destination, GeneralOperand.Bytes(uop), number);
        LazyFlags.WriteStatus(state, RFlags.Carry);
        return Outcome.Next;
    }
}
