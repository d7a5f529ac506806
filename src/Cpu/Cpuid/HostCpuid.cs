// SPDX-License-Identifier: Apache-2.0

using System.Runtime.Intrinsics.X86;

namespace KvmActors.Cpu.Cpuid;

/// <summary>The CPUID of the CPU this process runs on, raw. It is input for vetting; no guest ever sees it.</summary>
/// <remarks>Inside a virtual machine every CPUID instruction traps (about 8 microseconds), so the table is read once
/// per process, on whatever CPU the first caller runs: APIC ids in leaves 1, 0xB, 0x1F and 0x8000001E are that
/// CPU's.</remarks>
public static class HostCpuid
{
    private static readonly Lazy<CpuidTable> s_table = new(() => CpuidEnumeration.Read(Execute));

    /// <summary>False on machines that are not x86: such a node takes its table from a text dump.</summary>
    public static bool IsSupported => X86Base.IsSupported;

    /// <exception cref="PlatformNotSupportedException">This machine has no CPUID instruction.</exception>
    public static CpuidTable Read() => IsSupported
        ? s_table.Value
        : throw new PlatformNotSupportedException(
            "Expected an x86 CPU, found one without CPUID. Give the node a table as text: samples/cpuid has two.");

    private static CpuidRegisters Execute(uint leaf, uint subleaf)
    {
        (int eax, int ebx, int ecx, int edx) = X86Base.CpuId((int)leaf, (int)subleaf);
        return new CpuidRegisters((uint)eax, (uint)ebx, (uint)ecx, (uint)edx);
    }
}
