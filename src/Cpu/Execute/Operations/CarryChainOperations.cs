// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: operands are reached through GeneralOperand.

/// <summary>ADCX and ADOX: additions with a carry chain in CF alone or in OF alone.</summary>
/// <remarks>Source: Intel SDM vol. 2A, "ADCX", "ADOX".</remarks>
internal static unsafe class CarryChainOperations
{
    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Adcx, &AddByCarry, GuestFeature.Adx);
        table.Add(Mnemonic.Adox, &AddByOverflow, GuestFeature.Adx);
    }

    private static Outcome AddByCarry(CpuState* state, Uop* uop) => Add(state, uop, RFlags.Carry);

    private static Outcome AddByOverflow(CpuState* state, Uop* uop) => Add(state, uop, RFlags.Overflow);

    private static Outcome Add(CpuState* state, Uop* uop, ulong chain)
    {
        if (!GeneralOperand.TryReadSource(state, uop, out ulong source))
        {
            return Outcome.NotRetired;
        }

        ulong flags = LazyFlags.ReadStatus(state);
        ulong destination = RegisterFile.Read(state, uop->Destination, GeneralOperand.Bytes(uop));
        UInt128 sum = (UInt128)destination + source + ((flags & chain) != 0 ? 1u : 0u);
        RegisterFile.Write(state, uop->Destination, GeneralOperand.Bytes(uop), (ulong)sum);
        bool carry = (sum >> GeneralOperand.Bits(uop)) != 0;
        LazyFlags.WriteStatus(state, carry ? flags | chain : flags & ~chain);
        return Outcome.Next;
    }
}
