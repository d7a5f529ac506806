// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Translate;

/// <summary>A memory operand of host code: base + (index &lt;&lt; shift) + displacement.</summary>
/// <param name="Base">Null for none.</param>
/// <param name="Displacement">Signed, in bytes.</param>
/// <param name="Index">Null for none; never RSP.</param>
/// <param name="Shift">0 to 3.</param>
internal readonly record struct HostOperand(
    HostRegister? Base, int Displacement, HostRegister? Index = null, int Shift = 0)
{
    /// <summary>Relative to the next instruction, at a distance that is set later.</summary>
    public static HostOperand Relative { get; } = new(null, 0) { IsRelative = true };

    public bool IsRelative { get; private init; }
}
