// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Names;

/// <summary>One bit of a CPUID table that stands for one feature. The named ones are in
/// <see cref="CpuidFeatures"/>.</summary>
public readonly record struct CpuidFeature(uint Leaf, uint Subleaf, CpuidRegister Register, int Bit)
{
    public bool IsSetIn(CpuidRegisters registers) => (registers.Of(Register) >> Bit & 1) != 0;

    /// <summary>As the manuals write it: <c>CPUID.(EAX=7,ECX=0):EBX[5]</c>.</summary>
    public override string ToString() =>
        $"CPUID.(EAX=0x{Leaf:x},ECX={Subleaf}):{Register.ToString().ToUpperInvariant()}[{Bit}]";
}
