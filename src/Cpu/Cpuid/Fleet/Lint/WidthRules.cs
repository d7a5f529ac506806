// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid.Names;
using static KvmActors.Cpu.Cpuid.Fleet.Lint.Findings;

namespace KvmActors.Cpu.Cpuid.Fleet.Lint;

/// <summary>Leaf 80000008H: how wide addresses are. Leaf 15H: how fast the TSC runs. Levels of the topology.</summary>
internal static class WidthRules
{
    private const uint Leaf = 0x8000_0008;
    private const uint PhysicalMax = 52;

    public static IEnumerable<CpuidFinding> Check(CpuidTable table) =>
        Addresses(table).Concat(Clock(table)).Concat(Levels(table));

    private static IEnumerable<CpuidFinding> Addresses(CpuidTable table)
    {
        if (table.Find(Leaf, 0) is not { } entry)
        {
            if (table.Has(CpuidFeatures.Lm))
            {
                yield return OfBit(
                    "address-width",
                    CpuidSeverity.Warning,
                    CpuidFeatures.Lm,
                    "Expected leaf 0x80000008 with the address widths beside lm, found none: KVM takes 36 physical "
                    + "bits. "
                    + "Add it.");
            }

            yield break;
        }

        uint physical = entry.Eax & 0xFF;
        uint linear = entry.Eax >> 8 & 0xFF;
        if (linear is not (0 or 48 or 57))
        {
            yield return Width(
                CpuidSeverity.Error,
                $"Expected a linear width of 0, 48 or 57 bits, found {linear}: KVM_SET_CPUID2 answers EINVAL. Set "
                + "48, or "
                + "57 with la57.");
        }

        if (physical is > PhysicalMax or < 32)
        {
            yield return Width(
                physical > PhysicalMax ? CpuidSeverity.Error : CpuidSeverity.Warning,
                $"Expected a physical width from 32 to {PhysicalMax} bits, found {physical}. Set that of the "
                + "smallest host.");
        }

        bool hasLa57 = table.Has(CpuidFeatures.La57);
        if ((linear == 57) != hasLa57 && linear is 48 or 57)
        {
            yield return Width(
                CpuidSeverity.Warning,
                $"Expected {(hasLa57 ? "57 linear bits beside la57" : "la57 beside 57 linear bits")}, found "
                + $"{(hasLa57 ? "48" : "it clear")}. Give the guest both or neither.");
        }

        uint guest = entry.Eax >> 16 & 0xFF;
        if (guest > PhysicalMax)
        {
            yield return Width(
                CpuidSeverity.Error,
                $"Expected at most {PhysicalMax} physical bits for a nested guest, found {guest}. Set 0 for the same "
                + "as "
                + "the CPU's.");
        }
    }

    private static CpuidFinding Width(CpuidSeverity severity, string sentence) =>
        OfRegister("address-width", severity, Leaf, 0, CpuidRegister.Eax, sentence);

    private static IEnumerable<CpuidFinding> Clock(CpuidTable table)
    {
        if (table.Find(0x15, 0) is { } clock && (clock.Eax == 0) != (clock.Ebx == 0))
        {
            yield return OfRegister(
                "tsc-ratio",
                CpuidSeverity.Warning,
                0x15,
                0,
                clock.Eax == 0 ? CpuidRegister.Eax : CpuidRegister.Ebx,
                $"Expected both halves of the TSC's ratio in leaf 0x15, found {clock.Ebx}/{clock.Eax}. Set both or "
                + "neither.");
        }
    }

    private static IEnumerable<CpuidFinding> Levels(CpuidTable table)
    {
        foreach (uint leaf in (uint[])[0xB, 0x1F, 0x8000_0026])
        {
            CpuidEntry[] levels = [.. table.Entries.Where(entry => entry.Leaf == leaf && (entry.Ecx & 0xFF00) != 0)
                .OrderBy(entry => entry.Subleaf)];
            for (int i = 1; i < levels.Length; i++)
            {
                (CpuidEntry inner, CpuidEntry outer) = (levels[i - 1], levels[i]);
                if ((outer.Eax & 0x1F) < (inner.Eax & 0x1F) || (outer.Ebx & 0xFFFF) < (inner.Ebx & 0xFFFF))
                {
                    yield return OfEntry(
                        "topology-order",
                        CpuidSeverity.Warning,
                        leaf,
                        outer.Subleaf,
                        $"Expected level {outer.Subleaf} of leaf 0x{leaf:x} to hold level {inner.Subleaf}, found "
                        + "fewer id "
                        + "bits or processors in it. Take both from one CPU.");
                }
            }
        }
    }
}
