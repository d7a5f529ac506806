// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;

namespace KvmActors.Cpu.Execute.Operands;

// JUSTIFICATION: see CpuState.
// SAFETY: the register is a field of the state.

/// <summary>RCX, RSI and RDI as LOOP and string instructions use them: as wide as the address size.</summary>
internal static unsafe class AddressRegister
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(ulong* register, int addressBits, ulong value)
    {
        switch (addressBits)
        {
            case 16:
                *(ushort*)register = (ushort)value;
                break;
            case 32:
                *register = (uint)value;
                break;
            default:
                *register = value;
                break;
        }
    }
}
