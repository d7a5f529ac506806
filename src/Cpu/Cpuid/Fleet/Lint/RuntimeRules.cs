// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Cpu.Cpuid.Vetting;
using static KvmActors.Cpu.Cpuid.Fleet.Lint.Findings;

namespace KvmActors.Cpu.Cpuid.Fleet.Lint;

/// <summary>Bits that a table need not get right, because they follow the vCPU; and two that read backwards.</summary>
internal static class RuntimeRules
{
    public static IEnumerable<CpuidFinding> Check(CpuidTable table)
    {
        foreach ((CpuidFeature bit, string follows) in ((CpuidFeature, string)[])
        [
            (CpuidFeatures.Osxsave, "CR4.OSXSAVE"),
            (CpuidFeatures.Ospke, "CR4.PKE"),
        ])
        {
            if (table.Has(bit))
            {
                yield return OfBit(
                    "runtime-bit",
                    CpuidSeverity.Note,
                    bit,
                    $"Expected {NameOf(bit)} clear, found it set: the guest reads {follows} whatever the table says. "
                    + "Leave "
                    + "it, or clear it so that two tables compare.");
            }
        }

        uint inverted = (table.Find(7, 0)?.Ebx ?? CpuidVetting.InvertedFeatures) & CpuidVetting.InvertedFeatures;
        if (inverted != CpuidVetting.InvertedFeatures && table.Vendor == CpuidVendor.Intel)
        {
            yield return OfRegister(
                "inverted-bit",
                CpuidSeverity.Note,
                7,
                0,
                CpuidRegister.Ebx,
                "Expected fdp_excptn_only and zero_fcs_fds set, found one clear: set, they tell that old x87 state "
                + "is not "
                + "kept, and a guest that reads 0 may rely on it. Set both if one host sets one.");
        }

        if (table.Find(2, 0) is { } descriptors && (descriptors.Eax & 0xFF) > 1)
        {
            yield return OfRegister(
                "leaf-2-count",
                CpuidSeverity.Warning,
                2,
                0,
                CpuidRegister.Eax,
                $"Expected 1 in AL of leaf 2, found {descriptors.Eax & 0xFF}: today's KVM answers the first entry each "
                + "time. Set 1 and leave one entry.");
        }
    }
}
