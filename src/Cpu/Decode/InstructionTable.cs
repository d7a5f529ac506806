// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Decode;

// JUSTIFICATION: see InstructionRule.
// SAFETY: see InstructionRule.

/// <summary>The rules of all mnemonics that have no handler of their own.</summary>
internal sealed unsafe class InstructionTable
{
    private readonly InstructionRule[] _rules = new InstructionRule[Enum.GetValues<Mnemonic>().Length];

    public InstructionRule this[Mnemonic mnemonic] => _rules[(int)mnemonic];

    /// <summary>An instruction that goes on with the next one of its block.</summary>
    public void Add(
        Mnemonic mnemonic,
        delegate* managed<CpuState*, Uop*, Outcome> operation,
        GuestFeature requires = GuestFeature.None) =>
        _rules[(int)mnemonic] = new InstructionRule(operation, endsBlock: false, requires);

    /// <summary>An instruction behind which RIP, the mode, the translation or the interrupt shadow may be different.
    /// </summary>
    public void AddLast(
        Mnemonic mnemonic,
        delegate* managed<CpuState*, Uop*, Outcome> operation,
        GuestFeature requires = GuestFeature.None) =>
        _rules[(int)mnemonic] = new InstructionRule(operation, endsBlock: true, requires);
}
