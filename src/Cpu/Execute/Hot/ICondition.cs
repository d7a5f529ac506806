// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see IOperandSize.
// SAFETY: implementers only read the lazy flags.

/// <summary>A condition on the flags, as a type parameter.</summary>
internal unsafe interface ICondition
{
    static abstract bool Holds(CpuState* state);
}
