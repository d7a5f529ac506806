// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Fleet;

namespace KvmActors.Host.Fleet;

/// <summary>One difference of two tables as JSON shows it.</summary>
/// <param name="Leaf">Hexadecimal.</param>
/// <param name="Subleaf">Hexadecimal.</param>
/// <param name="Register">Which of the four.</param>
/// <param name="Bit">The bit, or the lowest bit of a number; null for a whole register.</param>
/// <param name="Name">What it is.</param>
/// <param name="A">The first's bit, number or register.</param>
/// <param name="B">The second's.</param>
/// <param name="Direction">Who offers more.</param>
/// <param name="Rule">How it was compared.</param>
internal sealed record DifferenceReport(
    string Leaf,
    string Subleaf,
    CpuidRegister Register,
    int? Bit,
    string Name,
    uint A,
    uint B,
    CpuidDirection Direction,
    CpuidRule Rule)
{
    public static DifferenceReport Of(CpuidDifference difference) => new(
        $"0x{difference.Leaf:x}",
        $"0x{difference.Subleaf:x}",
        difference.Register,
        difference.Bit,
        difference.Name,
        difference.A,
        difference.B,
        difference.Direction,
        difference.Rule);
}
