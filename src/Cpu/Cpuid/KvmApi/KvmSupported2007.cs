// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Cpu.Execute;

namespace KvmActors.Cpu.Cpuid.KvmApi;

/// <summary>KVM_GET_SUPPORTED_CPUID of 2007 as it was meant, cut to what this engine executes: the tables that
/// <see cref="CpuidDialect.Kvm2007"/> is for.</summary>
/// <remarks>
/// <para>Source: Linux commit 0771671749b5, do_cpuid_ent. Its defects are corrected: the first entry of a stateful leaf
/// is marked to be read next (0fdf8e59faa); leaf 0BH ends at the level type in ECX[15:8], not at ECX[7:0]
/// (0853d2c1d84); NX is bit 20, not bit 0 (334b8ad7b18); MTRR, PAT, MCE and MCA may be reported (8d753f369bd), as
/// far as the engine has them.</para>
/// <para>What 2007 passed on as the host has it, and did not know yet (leaf 7, for instance), is vetted as today.
/// </para>
/// </remarks>
public static class KvmSupported2007
{
    private const uint LastBasic = 0xB;
    private const uint LastExtended = 0x8000_001A;
    private const int SubleavesMax = 64;
    private const uint Nx = 1u << 20;

    // FPU VME DE PSE TSC MSR PAE MCE CX8 APIC SEP MTRR PGE MCA CMOV PAT PSE36 CLFSH MMX FXSR SSE SSE2 SS.
    private const uint BasicEdx = 0x0F8B_FBFF;

    // SSE3, CMPXCHG16B.
    private const uint BasicEcx = (1u << 0) | (1u << 13);

    // Those, SYSCALL, MMXEXT, LM, 3DNOWEXT, 3DNOW; NX by the host.
    private const uint ExtendedEdx = 0xE1C3_FBFF;

    // LAHF_LM, CMP_LEGACY.
    private const uint ExtendedEcx = 3;

    /// <summary>What a host with this table would report: raw, any form; a stateful leaf gives its answers in turn.
    /// </summary>
    public static CpuidTable Read(CpuidTable host, bool hostHasNx)
    {
        ArgumentNullException.ThrowIfNull(host);
        CpuidTable next = host;
        return Read(
            (leaf, subleaf) => next.FirstOfLeaf(leaf)?.Flags.HasFlag(CpuidEntryFlags.StatefulFunction) == true
                ? CpuidKvm2007.Read(ref next, leaf, subleaf, default)
                : host.Query(leaf, subleaf, default),
            CpuidVetting.CutToEngine(host),
            hostHasNx);
    }

    /// <summary>Reads a table from a processor.</summary>
    /// <param name="cpuid">Answers one leaf and subleaf; leaf 2 as often as its AL says, each time with the next
    /// answer.</param>
    /// <param name="hostHasNx">EFER.NXE of the host.</param>
    public static CpuidTable Read(Func<uint, uint, CpuidRegisters> cpuid, bool hostHasNx)
    {
        ArgumentNullException.ThrowIfNull(cpuid);
        return Read(cpuid, CpuidVetting.CutToEngine(CpuidEnumeration.Read(cpuid)), hostHasNx);
    }

    private static CpuidTable Read(
        Func<uint, uint, CpuidRegisters> cpuid, CpuidTable vetted, bool hostHasNx)
    {
        List<CpuidEntry> entries = [];
        uint lastBasic = Math.Min(cpuid(0, 0).Eax, LastBasic);
        for (uint leaf = 0; leaf <= lastBasic; leaf++)
        {
            ReadLeaf(cpuid, leaf, vetted, hostHasNx, entries);
        }

        uint lastExtended = Math.Min(cpuid(0x8000_0000, 0).Eax, LastExtended);
        for (uint leaf = 0x8000_0000; leaf <= lastExtended; leaf++)
        {
            ReadLeaf(cpuid, leaf, vetted, hostHasNx, entries);
        }

        return CpuidTable.Of(entries);
    }

    private static void ReadLeaf(
        Func<uint, uint, CpuidRegisters> cpuid,
        uint leaf,
        CpuidTable vetted,
        bool hostHasNx,
        List<CpuidEntry> entries)
    {
        CpuidRegisters first = cpuid(leaf, 0);
        switch (leaf)
        {
            case 2:
                ReadStateful(cpuid, leaf, first, entries);
                break;
            case 4:
                ReadIndexed(cpuid, leaf, first, last => (last.Eax & 0x1F) == 0, entries);
                break;
            case 0xB:
                ReadIndexed(cpuid, leaf, first, last => (last.Ecx & 0xFF00) == 0, entries);
                break;
            case 0 or 1 or 0x8000_0000 or 0x8000_0001:
                entries.Add(Entry(leaf, 0, CpuidEntryFlags.None, Masked(leaf, first, hostHasNx)));
                break;
            default:
                entries.Add(Entry(leaf, 0, CpuidEntryFlags.None, vetted.Find(leaf, 0)?.Registers ?? default));
                break;
        }
    }

    private static void ReadStateful(
        Func<uint, uint, CpuidRegisters> cpuid, uint leaf, CpuidRegisters first, List<CpuidEntry> entries)
    {
        uint times = Math.Max(1, first.Eax & 0xFF);
        entries.Add(Entry(
            leaf, 0, CpuidEntryFlags.StatefulFunction | CpuidEntryFlags.StateReadNext, first));
        for (uint time = 1; time < times && time < SubleavesMax; time++)
        {
            entries.Add(Entry(leaf, 0, CpuidEntryFlags.StatefulFunction, cpuid(leaf, 0)));
        }
    }

    private static void ReadIndexed(
        Func<uint, uint, CpuidRegisters> cpuid,
        uint leaf,
        CpuidRegisters first,
        Func<CpuidRegisters, bool> isLast,
        List<CpuidEntry> entries)
    {
        CpuidRegisters read = first;
        entries.Add(Entry(leaf, 0, CpuidEntryFlags.SignificantIndex, read));
        for (uint subleaf = 1; subleaf < SubleavesMax && !isLast(read); subleaf++)
        {
            read = cpuid(leaf, subleaf);
            entries.Add(Entry(leaf, subleaf, CpuidEntryFlags.SignificantIndex, read));
        }
    }

    private static CpuidRegisters Masked(uint leaf, CpuidRegisters host, bool hostHasNx)
    {
        CpuidRegisters engine = CpuidFeatureMask.Of(EngineFeatures.Current, leaf, 0);
        return leaf switch
        {
            0 => host with { Eax = Math.Min(host.Eax, LastBasic) },
            1 => host with { Ecx = host.Ecx & BasicEcx & engine.Ecx, Edx = host.Edx & BasicEdx & engine.Edx },
            0x8000_0000 => host with { Eax = Math.Min(host.Eax, LastExtended) },
            0x8000_0001 => host with
            {
                Ecx = host.Ecx & ExtendedEcx & engine.Ecx,
                Edx = host.Edx & (ExtendedEdx | (hostHasNx ? Nx : 0)) & (engine.Edx | Repeated()),
            },
            _ => host,
        };
    }

    private static uint Repeated() =>
        CpuidFeatureMask.Of(EngineFeatures.Current, 1, 0).Edx & CpuidVetting.AliasedFeatures;

    private static CpuidEntry Entry(uint leaf, uint subleaf, CpuidEntryFlags flags, CpuidRegisters registers) =>
        new(leaf, subleaf, flags, registers.Eax, registers.Ebx, registers.Ecx, registers.Edx);
}
