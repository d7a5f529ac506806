// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid;

/// <summary>What CPUID leaves in the four registers.</summary>
public readonly record struct CpuidRegisters(uint Eax, uint Ebx, uint Ecx, uint Edx)
{
    public override string ToString() => $"eax=0x{Eax:x8} ebx=0x{Ebx:x8} ecx=0x{Ecx:x8} edx=0x{Edx:x8}";
}
