// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Cpu.Execute;
using KvmActors.Cpu.Paravirtual;

namespace KvmActors.Cpu.Cpuid.Vetting;

/// <summary>Turns a CPU's own table into one that a guest may have: what KVM would report for that CPU, cut down to
/// what the engine executes, for a VM of one vCPU.</summary>
/// <remarks>
/// <para>Identity (maker, family, model, name, caches) stays the CPU's. Feature bits are those that both have; a bit
/// without a name is never passed on. Leaves of things that are not there (performance counters, power states,
/// processor trace, SGX, AMX, resource control, SVM) are left out, so they answer zeros; maximum leaves are the
/// highest kept.</para>
/// <para>Added, because true of the engine whatever the CPU: the hypervisor bit, x2APIC, the timer by TSC deadline,
/// TSC_ADJUST, KVM's signature and its paravirtual features, and for Intel the frequency of the TSC, 1 GHz (leaf
/// 15H).</para>
/// <para>Source: Linux v6.19 arch/x86/kvm/cpuid.c:__do_cpuid_func; Documentation/virt/kvm/x86/errata.rst for the two
/// inverted bits.</para>
/// </remarks>
public static class CpuidVetting
{
    private const uint MaxBasicLeaf = 0x1F;
    private const uint MaxExtendedLeaf = 0x8000_001E;

    // The first extended leaf that says how wide addresses are; long mode is of no use without it.
    private const uint AddressSizeLeaf = 0x8000_0008;

    // CPUID.15H: TSC frequency is ECX * EBX / EAX.
    private static readonly CpuidRegisters s_tsc = new(Eax: 1, Ebx: 1, Ecx: 1_000_000_000, Edx: 0);

    // CPUID.(EAX=7,ECX=0):EBX[6] and [13] tell that something is missing: they are set, whatever the CPU says.
    internal const uint InvertedFeatures = (1 << 6) | (1 << 13);

    // CPUID.01H:ECX: x2APIC and TSC-deadline, and CPUID.07H:EBX: TSC_ADJUST, are the engine's, whatever the CPU has.
    private const uint Emulated = (1u << 21) | (1u << 24);
    private const uint EmulatedAdjust = 1u << 1;

    // AMD repeats these bits of CPUID.01H:EDX in CPUID.80000001H:EDX. Source: AMD APM vol. 3, E.4.2.
    internal const uint AliasedFeatures = 0x0183_F3FF;

    private static readonly CpuidRegisters s_paravirtual = new((uint)ParavirtualCpuid.Offered, 0, 0, 0);

    /// <summary>The table for vCPU 0 of a VM of one, on <see cref="EngineFeatures.Current"/>.</summary>
    public static CpuidTable CutToEngine(CpuidTable table) => CutToEngine(table, EngineFeatures.Current);

    /// <summary>The table for vCPU 0 of a VM of one.</summary>
    /// <param name="table">A CPU's own table, or one already cut: cutting twice changes nothing.</param>
    /// <param name="engine">What the engine executes.</param>
    public static CpuidTable CutToEngine(CpuidTable table, EngineFeatures engine)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(engine);
        if (table.FirstOfLeaf(0) is not { } basic)
        {
            return CpuidTable.Empty;
        }

        List<CpuidEntry> entries = [];
        AddClass(table, engine, 0, Math.Min(basic.Eax, MaxBasicLeaf), entries);
        if (table.FirstOfLeaf(0x8000_0000) is { } extended && extended.Eax >= 0x8000_0000)
        {
            AddClass(table, engine, 0x8000_0000, Math.Min(extended.Eax, MaxExtendedLeaf), entries);
        }

        entries.Add(Entry(ParavirtualCpuid.FirstBase, 0, ParavirtualCpuid.Signature));
        entries.Add(Entry(ParavirtualCpuid.FirstBase + 1, 0, s_paravirtual));
        return CpuidTable.Of(entries);
    }

    private static void AddClass(
        CpuidTable table, EngineFeatures engine, uint classBase, uint last, List<CpuidEntry> entries)
    {
        List<CpuidEntry> cut = [];
        for (uint leaf = classBase; leaf <= last; leaf++)
        {
            AddLeaf(table, engine, leaf, cut);
        }

        // A leaf of zeros answers as a missing one, but for those that have to be in range.
        List<CpuidEntry> kept = [.. cut.Skip(1).Where(entry => entry.Registers != default)];
        uint needed = classBase == 0 ? 1 : AddressSizeLeaf;
        uint highest = kept.Select(entry => entry.Leaf).Append(needed).Max();
        entries.Add(cut[0] with { Eax = Math.Min(last, highest) });
        entries.AddRange(kept);
    }

    private static void AddLeaf(CpuidTable table, EngineFeatures engine, uint leaf, List<CpuidEntry> entries)
    {
        if (!CpuidEnumeration.HasSubleaves(leaf))
        {
            entries.Add(Entry(leaf, 0, Cut(table.Find(leaf, 0)?.Registers ?? default, table, engine, leaf, 0)));
            return;
        }

        for (uint subleaf = 0; subleaf < CpuidEnumeration.SubleavesMax; subleaf++)
        {
            if (table.Find(leaf, subleaf) is { } found)
            {
                entries.Add(Entry(leaf, subleaf, Cut(found.Registers, table, engine, leaf, subleaf)));
            }
        }
    }

    private static CpuidRegisters Cut(
        CpuidRegisters cpu, CpuidTable table, EngineFeatures engine, uint leaf, uint subleaf)
    {
        CpuidRegisters features = CpuidFeatureMask.Of(engine, leaf, subleaf).And(cpu);
        return leaf switch
        {
            0 or 0x8000_0000 => cpu,
            1 => CutLeaf1(cpu, features),
            2 => CpuidVendor.IsAmdLike(table.Vendor) ? default : cpu,
            4 or 0x8000_001D => CpuidTopology.CacheOfOne(cpu),
            7 => CutLeaf7(features, table, engine, subleaf),
            0xB => CpuidTopology.LevelOfOne(subleaf),
            0xD => CpuidXsave.Cut(cpu, features, table, engine, subleaf),
            0x15 => CpuidVendor.IsAmdLike(table.Vendor) ? default : s_tsc,
            0x8000_0001 => new CpuidRegisters(
                cpu.Eax, cpu.Ebx & 0xF000_FFFF, features.Ecx, features.Edx | Aliases(cpu, table, engine)),
            >= 0x8000_0002 and <= 0x8000_0005 => cpu,
            0x8000_0006 => cpu with { Edx = cpu.Edx & ~(3u << 16) },
            0x8000_0007 => features,
            AddressSizeLeaf => features with { Eax = AddressSizes(cpu.Eax, engine) },
            _ => default,
        };
    }

    /// <summary>What CPUID.80000001H:EDX repeats of what is kept of CPUID.01H:EDX.</summary>
    private static uint Aliases(CpuidRegisters cpu, CpuidTable table, EngineFeatures engine) =>
        CpuidVendor.IsAmdLike(table.Vendor)
            ? cpu.Edx & AliasedFeatures & CpuidFeatureMask.Of(engine, 1, 0).Edx
            : 0;

    private static CpuidRegisters CutLeaf1(CpuidRegisters cpu, CpuidRegisters features) => new(
        cpu.Eax,

        // CPUID.01H:EBX: brand and CLFLUSH size stay; one logical processor, APIC id 0.
        (cpu.Ebx & 0xFFFF) | (1 << 16),

        // CPUID.01H:ECX[31]: guests look at leaf 0x40000000 only if it is set.
        features.Ecx | (1u << 31) | Emulated,
        features.Edx);

    private static CpuidRegisters CutLeaf7(
        CpuidRegisters features, CpuidTable table, EngineFeatures engine, uint subleaf) => subleaf switch
        {
            // EAX is the last subleaf.
            0 => features with
            {
                Eax = LastSubleaf7(table, engine),
                Ebx = features.Ebx | InvertedFeatures | EmulatedAdjust,
            },
            1 or 2 => features,
            _ => default,
        };

    private static uint LastSubleaf7(CpuidTable table, EngineFeatures engine) =>
        Enumerable.Range(1, 2)
            .Where(subleaf => table.Find(7, (uint)subleaf) is { } found
                && CpuidFeatureMask.Of(engine, 7, (uint)subleaf).And(found.Registers) != default)
            .Select(subleaf => (uint)subleaf)
            .LastOrDefault();

    /// <summary>CPUID.80000008H:EAX: physical bits 7:0 and linear bits 15:8; the guest's own maximum 23:16 is left out.
    /// </summary>
    private static uint AddressSizes(uint cpu, EngineFeatures engine)
    {
        uint physical = Math.Min(cpu & 0xFF, (uint)engine.PhysicalAddressBits);
        uint linear = Math.Min(cpu >> 8 & 0xFF, (uint)engine.LinearAddressBits);
        return (linear << 8) | physical;
    }

    private static CpuidEntry Entry(uint leaf, uint subleaf, CpuidRegisters registers) => new(
        leaf,
        subleaf,
        CpuidEnumeration.HasSubleaves(leaf) ? CpuidEntryFlags.SignificantIndex : CpuidEntryFlags.None,
        registers.Eax,
        registers.Ebx,
        registers.Ecx,
        registers.Edx);
}
