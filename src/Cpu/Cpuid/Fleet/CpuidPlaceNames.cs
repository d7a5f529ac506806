// SPDX-License-Identifier: Apache-2.0

using static KvmActors.Cpu.Cpuid.CpuidRegister;

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>What differs, in words, where it is no single feature.</summary>
/// <remarks>Source: Intel SDM vol. 2A, "CPUID"; vol. 1, section 13.1 for the components of XSAVE.</remarks>
internal static class CpuidPlaceNames
{
    public static string Component(int component) => component switch
    {
        0 => "XSAVE component 0 (x87)",
        1 => "XSAVE component 1 (SSE)",
        2 => "XSAVE component 2 (AVX)",
        3 or 4 => $"XSAVE component {component} (MPX)",
        5 or 6 or 7 => $"XSAVE component {component} (AVX-512)",
        8 => "XSAVE component 8 (processor trace)",
        9 => "XSAVE component 9 (PKRU)",
        10 => "XSAVE component 10 (PASID)",
        11 or 12 => $"XSAVE component {component} (CET)",
        17 or 18 => $"XSAVE component {component} (AMX)",
        _ => $"XSAVE component {component}",
    };

    public static string Of(uint leaf, CpuidRegister register, CpuidRule rule) => (leaf, register) switch
    {
        (0, Eax) => "highest basic leaf",
        (0x8000_0000, Eax) => "highest extended leaf",
        (0x4000_0000, Eax) => "highest hypervisor leaf",
        (7, Eax) => "highest subleaf of leaf 7",
        (0, _) => "vendor",
        (0x8000_0000, _) => "vendor in leaf 0x80000000",
        (0x4000_0000, _) => "hypervisor's signature",
        (1, Eax) => "family and model",
        (1, Ebx) => "APIC id and threads",
        (0x8000_0001, Eax) => "AMD's family and model",
        (0x8000_0001, Ebx) => "package type",
        ( >= 0x8000_0002 and <= 0x8000_0004, _) => "processor's name",
        (3, _) => "serial number",
        _ => $"{Word(rule)} of leaf 0x{leaf:x}",
    };

    private static string Word(CpuidRule rule) => rule switch
    {
        CpuidRule.Features => "feature",
        CpuidRule.Numbers => "number",
        CpuidRule.Xsave => "XSAVE",
        CpuidRule.Description => "contents",
        CpuidRule.Limits => "limit",
        CpuidRule.Identity => "identity",
        CpuidRule.Topology => "topology",
        CpuidRule.Caches => "caches",
        CpuidRule.Platform => "platform",
        CpuidRule.Hypervisor => "hypervisor",
    };
}
