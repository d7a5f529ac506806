// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>One place where two tables differ.</summary>
/// <param name="Leaf">Where both say it.</param>
/// <param name="Subleaf">Where both say it; 0 for leaves without subleaves.</param>
/// <param name="Register">Where both say it.</param>
/// <param name="Bit">The bit, or the lowest bit of a number; null where the register is one value.</param>
/// <param name="Name">The feature's name, or the manuals' notation for a bit without one, or what the number is.
/// </param>
/// <param name="A">What the first says: a bit, a number or the register.</param>
/// <param name="B">What the second says.</param>
/// <param name="Direction">Who offers more.</param>
/// <param name="Rule">How the place is compared.</param>
public sealed record CpuidDifference(
    uint Leaf,
    uint Subleaf,
    CpuidRegister Register,
    int? Bit,
    string Name,
    uint A,
    uint B,
    CpuidDirection Direction,
    CpuidRule Rule)
{
    /// <summary>True if it counts for the relation of the two tables.</summary>
    public bool Decides => Rule <= CpuidRule.Description;

    /// <summary>Where it is, as the manuals write it: <c>CPUID.(EAX=0x7,ECX=0):EBX[5]</c>.</summary>
    public string Place =>
        $"CPUID.(EAX=0x{Leaf:x},ECX={Subleaf}):{Register.ToString().ToUpperInvariant()}"
        + (Bit is { } bit ? $"[{bit}]" : "");
}
