// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Tests.Float;

/// <summary>One operation beside the host's instruction that does it.</summary>
/// <param name="Name">For messages.</param>
/// <param name="Code">xmm0 and xmm1 are the operands; the result is in xmm0, in RAX or in ZF, PF and CF.</param>
/// <param name="From">Width of the operands in bits: 32 or 64; 0 for integers, which are in RCX.</param>
/// <param name="To">Where and how wide the result is.</param>
/// <param name="Compute">Ours.</param>
internal sealed record FloatCase(string Name, byte[] Code, int From, FloatResult To, FloatFunction Compute)
{
    public override string ToString() => Name;
}
