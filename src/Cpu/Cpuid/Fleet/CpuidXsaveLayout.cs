// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid.Vetting;

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>Which components of XSAVE two tables keep at the same place and in the same size.</summary>
/// <remarks>Source: Intel SDM vol. 1, section 13.2 "Enumeration of CPU Support for XSAVE Instructions and
/// XSAVE-Supported Features".</remarks>
internal static class CpuidXsaveLayout
{
    /// <summary>The components of XCR0 and of IA32_XSS that a table lists.</summary>
    public static ulong Listed(CpuidTable table) => CpuidXsave.Components(table) | Supervisor(table);

    /// <summary>The components that a table offers for IA32_XSS.</summary>
    public static ulong Supervisor(CpuidTable table) =>
        table.Find(CpuidXsave.Leaf, 1) is { } found ? ((ulong)found.Edx << 32) | found.Ecx : 0;

    /// <summary>The components of XCR0 that both keep alike, without those whose companions fell out.</summary>
    public static ulong Common(CpuidTable first, CpuidTable other) => CpuidXsaveFeatures.Close(
        Alike(first, other, CpuidXsave.Components(first) & CpuidXsave.Components(other)));

    /// <summary>The components of IA32_XSS that both keep alike.</summary>
    public static ulong CommonSupervisor(CpuidTable first, CpuidTable other) =>
        Alike(first, other, Supervisor(first) & Supervisor(other));

    private static ulong Alike(CpuidTable first, CpuidTable other, ulong common)
    {
        for (uint component = 2; component < 63; component++)
        {
            if ((common >> (int)component & 1) != 0
                && first.Find(CpuidXsave.Leaf, component)?.Registers
                    != other.Find(CpuidXsave.Leaf, component)?.Registers)
            {
                common &= ~(1ul << (int)component);
            }
        }

        return common;
    }
}
