// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid.Names;
using static KvmActors.Cpu.Cpuid.Fleet.Lint.Findings;

namespace KvmActors.Cpu.Cpuid.Fleet.Lint;

/// <summary>Leaf 0DH against the features and against itself.</summary>
/// <remarks>Source: Intel SDM vol. 1, sections 13.1 to 13.4; vol. 3A, section 2.6 for what XCR0 may hold.</remarks>
internal static class XsaveRules
{
    private const uint Leaf = 0xD;
    private const uint BaseBytes = 576;
    private const ulong Avx512 = 7ul << 5;

    private static readonly (ulong Components, CpuidFeature[] AnyOf, bool IsXss)[] s_features =
    [
        (1ul << 2, [CpuidFeatures.Avx], false),
        (3ul << 3, [CpuidFeatures.Mpx], false),
        (Avx512, [CpuidFeatures.Avx512f], false),
        (1ul << 9, [CpuidFeatures.Pku], false),
        (3ul << 17, [CpuidFeatures.AmxTile], false),
        (1ul << 19, [CpuidFeatures.Apx], false),
        (3ul << 11, [CpuidFeatures.Shstk, CpuidFeatures.Ibt], true),
        (1ul << 14, [CpuidFeatures.Uintr], true),
    ];

    public static IEnumerable<CpuidFinding> Check(CpuidTable table) =>
        CpuidXsaveArea.Of(table) is not { } area || !table.Has(CpuidFeatures.Xsave)
            ? []
            : Sets(table, area).Concat(Legacy(area)).Concat(Places(table, area)).Concat(Sizes(area))
                .Concat(Dynamic(area));

    /// <summary>Components and features come together, and the components of one feature too.</summary>
    private static IEnumerable<CpuidFinding> Sets(CpuidTable table, CpuidXsaveArea area)
    {
        foreach ((ulong components, CpuidFeature[] anyOf, bool isXss) in s_features)
        {
            ulong there = (isXss ? area.Xss : area.Xcr0) & components;
            bool isSet = anyOf.Any(table.Has);
            string names = string.Join(" or ", anyOf.Select(NameOf));
            if (!isXss && isSet && there != components)
            {
                yield return OfBit(
                    "xsave-component-missing",
                    CpuidSeverity.Error,
                    anyOf.First(table.Has),
                    $"Expected XSAVE to keep {Names(components)} for {names}, found it without "
                    + $"{Names(components & ~there)}: "
                    + $"no one can switch {names} on. Add the component, or clear {names}.");
            }
            else if (!isSet && there != 0)
            {
                yield return OfRegister(
                    "xsave-component-alone",
                    CpuidSeverity.Warning,
                    Leaf,
                    isXss ? 1u : 0,
                    isXss ? CpuidRegister.Ecx : CpuidRegister.Eax,
                    $"Expected {names} beside {Names(there)}, found the component alone: it keeps nothing. Remove it "
                    + "from "
                    + $"leaf 0xd, or set {NameOf(anyOf[0])}.");
            }
            else if (there != 0 && there != components && !isXss)
            {
                yield return OfRegister(
                    "xsave-set-torn",
                    CpuidSeverity.Error,
                    Leaf,
                    0,
                    CpuidRegister.Eax,
                    $"Expected {Names(components)} together, found only {Names(there)}: XSETBV refuses that. Add or "
                    + "remove the rest.");
            }
        }
    }

    private static IEnumerable<CpuidFinding> Legacy(CpuidXsaveArea area)
    {
        if ((area.Xcr0 & 3) != 3)
        {
            yield return OfRegister(
                "xsave-legacy",
                CpuidSeverity.Error,
                Leaf,
                0,
                CpuidRegister.Eax,
                $"Expected x87 and sse (bits 0 and 1) in EAX of leaf 0xd, found 0x{area.Xcr0:x}. Set both.");
        }

        if ((area.Xcr0 & Avx512) != 0 && (area.Xcr0 & 4) == 0)
        {
            yield return OfRegister(
                "xsave-legacy",
                CpuidSeverity.Error,
                Leaf,
                0,
                CpuidRegister.Eax,
                "Expected avx (bit 2) below the components of AVX-512, found it clear: XSETBV refuses that. Set it.");
        }
    }

    private static IEnumerable<CpuidFinding> Places(CpuidTable table, CpuidXsaveArea area)
    {
        foreach (CpuidXsaveComponent component in area.Components.Where(component => component.Number >= 2))
        {
            ulong bit = 1ul << component.Number;
            uint subleaf = (uint)component.Number;
            CpuidEntry? entry = table.Find(Leaf, subleaf);
            if (entry is null || entry.Value.Eax == 0)
            {
                yield return OfEntry(
                    "xsave-place-missing",
                    CpuidSeverity.Error,
                    Leaf,
                    subleaf,
                    $"Expected subleaf {subleaf} with place and size of {component.Name}, found none. Add it, or "
                    + "remove "
                    + "the component.");
                continue;
            }

            if (((area.Xcr0 | area.Xss) & bit) == 0)
            {
                yield return OfEntry(
                    "xsave-place-alone",
                    CpuidSeverity.Warning,
                    Leaf,
                    subleaf,
                    $"Expected {component.Name} listed in subleaf 0 or 1, found only its place and size. Remove "
                    + "subleaf "
                    + $"{subleaf}, or list the component.");
            }
            else if (component.IsSupervisor == ((area.Xcr0 & bit) != 0))
            {
                yield return OfRegister(
                    "xsave-owner",
                    CpuidSeverity.Error,
                    Leaf,
                    subleaf,
                    CpuidRegister.Ecx,
                    $"Expected ECX[0] of subleaf {subleaf} to say which register switches {component.Name}, found "
                    + $"{(component.IsSupervisor ? 1 : 0)} for a component of "
                    + $"{(component.IsSupervisor ? "XCR0. Clear it." : "IA32_XSS. Set it.")}");
            }
        }
    }

    private static IEnumerable<CpuidFinding> Sizes(CpuidXsaveArea area)
    {
        CpuidXsaveComponent[] placed =
        [
            .. area.Components
                .Where(part => part is { Number: >= 2, IsSupervisor: false, Bytes: > 0 })
                .OrderBy(part => part.Offset),
        ];
        CpuidXsaveComponent before = new(-1, "the header", BaseBytes, 0, false, false);
        foreach (CpuidXsaveComponent part in placed)
        {
            if (part.Offset < (ulong)before.Offset + before.Bytes)
            {
                yield return OfRegister(
                    "xsave-overlap",
                    CpuidSeverity.Error,
                    Leaf,
                    (uint)part.Number,
                    CpuidRegister.Ebx,
                    $"Expected {part.Name} behind {before.Name}, which ends at "
                    + $"{(ulong)before.Offset + before.Bytes}, found "
                    + $"it at {part.Offset}: XSAVE would write one over the other. Take both from one CPU.");
            }

            before = part;
        }

        ulong end = placed.Where(part => (area.Xcr0 >> part.Number & 1) != 0)
            .Select(part => (ulong)part.Offset + part.Bytes).Append(BaseBytes).Max();
        if (end != area.BytesMax)
        {
            yield return OfRegister(
                "xsave-size",
                area.BytesMax < end ? CpuidSeverity.Error : CpuidSeverity.Warning,
                Leaf,
                0,
                CpuidRegister.Ecx,
                $"Expected ECX of leaf 0xd to say {end} bytes, where the last component ends, found {area.BytesMax}. "
                + $"Set it to {end}.");
        }
    }

    private static IEnumerable<CpuidFinding> Dynamic(CpuidXsaveArea area)
    {
        if ((area.Xcr0 >> 18 & 1) != 0)
        {
            yield return OfRegister(
                "xsave-dynamic",
                CpuidSeverity.Note,
                Leaf,
                0,
                CpuidRegister.Eax,
                "Expected that the process asks Linux for tiledata before it sets this table, found tiledata: "
                + "KVM_SET_CPUID2 answers EPERM without. Ask with arch_prctl, ARCH_REQ_XCOMP_GUEST_PERM.");
        }
    }

    private static string Names(ulong components) => string.Join(
        ", ", Enumerable.Range(0, 63).Where(number => (components >> number & 1) != 0).Select(CpuidXsaveArea.NameOf));
}
