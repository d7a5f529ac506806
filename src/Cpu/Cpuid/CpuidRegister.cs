// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid;

/// <summary>One of the four registers that CPUID writes.</summary>
public enum CpuidRegister
{
    Eax = 0,
    Ebx = 1,
    Ecx = 2,
    Edx = 3,
}
