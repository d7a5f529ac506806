// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid.Names;
using static KvmActors.Cpu.Cpuid.Fleet.Lint.Findings;

namespace KvmActors.Cpu.Cpuid.Fleet.Lint;

/// <summary>Leaves from 40000000H up against the hypervisor bit and against each other.</summary>
internal static class HypervisorRules
{
    private const uint Base = 0x4000_0000;
    private const uint Features = 0x4000_0001;

    public static IEnumerable<CpuidFinding> Check(CpuidTable table)
    {
        bool isGuest = table.Has(CpuidFeatures.Hypervisor);
        bool hasLeaves = table.Entries.Any(
            entry => entry.Leaf is >= Base and < 0x5000_0000 && entry.Registers != default);
        if (hasLeaves && !isGuest)
        {
            yield return OfBit(
                "hypervisor-bit",
                CpuidSeverity.Warning,
                CpuidFeatures.Hypervisor,
                "Expected the hypervisor bit beside leaves from 0x40000000 up, found it clear: a guest does not look "
                + "for "
                + "them. Set it, or remove the leaves.");
        }

        if (isGuest && !hasLeaves)
        {
            yield return OfBit(
                "hypervisor-bit",
                CpuidSeverity.Note,
                CpuidFeatures.Hypervisor,
                "Expected leaf 0x40000000 with a signature beside the hypervisor bit, found none: the guest knows that "
                + "there is a hypervisor, not which. Add KVM's leaves if the guest shall use its features.");
        }

        if (table.Find(Base, 0) is not { } first || table.Find(Features, 0) is not { } features
            || features.Registers == default)
        {
            yield break;
        }

        if (CpuidSummary.Of(table).Hypervisor == CpuidSummary.Kvm && first.Eax is not 0 and < Features)
        {
            yield return OfRegister(
                "hypervisor-max",
                CpuidSeverity.Error,
                Base,
                0,
                CpuidRegister.Eax,
                $"Expected EAX of leaf 0x40000000 to reach 0x40000001, found 0x{first.Eax:x}: a guest finds no KVM "
                + "feature. Set 0x40000001.");
        }
    }
}
