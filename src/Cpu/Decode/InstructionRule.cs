// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Decode;

// JUSTIFICATION: see Uop.
// SAFETY: holds a pointer to a static method, which is never unloaded.

/// <summary>How a mnemonic without a handler of its own is executed.</summary>
internal readonly unsafe struct InstructionRule(
    delegate* managed<CpuState*, Uop*, Outcome> operation, bool endsBlock, GuestFeature requires)
{
    public delegate* managed<CpuState*, Uop*, Outcome> Operation { get; } = operation;

    /// <summary>True if RIP, the mode, the translation or the interrupt shadow may be different behind it.</summary>
    public bool EndsBlock { get; } = endsBlock;

    /// <summary>Features without which the instruction is #UD.</summary>
    public GuestFeature Requires { get; } = requires;

    public bool IsKnown => Operation != null;
}
