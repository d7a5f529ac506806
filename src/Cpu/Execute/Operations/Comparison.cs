// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Execute.Hot;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: touches only the flags.

/// <summary>The flags of CMP, for a size known at run time.</summary>
internal static unsafe class Comparison
{
    public static void Apply(CpuState* state, ulong left, ulong right, int sizeBytes)
    {
        switch (sizeBytes)
        {
            case 1:
                CompareOperation.Apply<Operand8>(state, (sbyte)left, (sbyte)right);
                break;
            case 2:
                CompareOperation.Apply<Operand16>(state, (short)left, (short)right);
                break;
            case 4:
                CompareOperation.Apply<Operand32>(state, (int)left, (int)right);
                break;
            default:
                CompareOperation.Apply<Operand64>(state, (long)left, (long)right);
                break;
        }
    }
}
