// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid.Names;

namespace KvmActors.Cpu.Cpuid;

/// <summary>Walks everything a CPUID instruction can say, by each leaf's own rule for its last subleaf.</summary>
/// <remarks>Source: Intel SDM vol. 2A, "CPUID"; AMD APM vol. 3, appendix E; for which leaves have subleaves also Linux
/// v6.19 arch/x86/kvm/cpuid.c:cpuid_function_is_indexed.</remarks>
public static class CpuidEnumeration
{
    /// <summary>Subleaves read of one leaf at most, so that no answer can keep the walk going.</summary>
    public const int SubleavesMax = 64;

    /// <summary>Leaves read of one class at most.</summary>
    public const int LeavesOfClassMax = 0x100;

    /// <summary>True if the manuals give the leaf subleaves, so that ECX takes part in the match.</summary>
    public static bool HasSubleaves(uint leaf) => leaf is
        4 or 7 or 0xB or 0xD or 0xF or 0x10 or 0x12 or 0x14 or 0x17 or 0x18 or 0x1B or 0x1D or 0x1E or 0x1F or 0x20
        or 0x23 or 0x24 or 0x29 or 0x8000_001D or 0x8000_0020 or 0x8000_0026;

    /// <summary>Reads a whole table. The instruction may be the host's or a test's.</summary>
    /// <param name="cpuid">Answers one leaf and subleaf.</param>
    /// <exception cref="ArgumentException">The answers need more than <see cref="CpuidTable.EntriesMax"/>
    /// entries.</exception>
    public static CpuidTable Read(Func<uint, uint, CpuidRegisters> cpuid)
    {
        ArgumentNullException.ThrowIfNull(cpuid);
        List<CpuidEntry> entries = [];
        ReadClass(cpuid, 0, entries);

        // CPUID.01H:ECX[31]: a hypervisor answers 0x40000000 and up; without one the range means nothing.
        if (CpuidFeatures.Hypervisor.IsSetIn(cpuid(1, 0)))
        {
            ReadClass(cpuid, 0x4000_0000, entries);
        }

        ReadClass(cpuid, 0x8000_0000, entries);
        return CpuidTable.Of(entries);
    }

    private static void ReadClass(Func<uint, uint, CpuidRegisters> cpuid, uint classBase, List<CpuidEntry> entries)
    {
        CpuidRegisters first = cpuid(classBase, 0);

        // Old KVM hosts answer 0 where they mean 0x40000001.
        uint last = classBase == 0x4000_0000 && first.Eax == 0 ? 0x4000_0001 : first.Eax;
        if (last < classBase || last - classBase >= LeavesOfClassMax)
        {
            last = classBase;
        }

        for (uint leaf = classBase; leaf <= last; leaf++)
        {
            ReadLeaf(cpuid, leaf, entries);
        }
    }

    private static void ReadLeaf(Func<uint, uint, CpuidRegisters> cpuid, uint leaf, List<CpuidEntry> entries)
    {
        CpuidRegisters first = cpuid(leaf, 0);
        if (!HasSubleaves(leaf))
        {
            entries.Add(Entry(leaf, 0, CpuidEntryFlags.None, first));
            return;
        }

        entries.Add(Entry(leaf, 0, CpuidEntryFlags.SignificantIndex, first));
        ulong listed = ListedSubleaves(cpuid, leaf, first);
        CpuidRegisters before = first;
        for (uint subleaf = 1; subleaf < SubleavesMax; subleaf++)
        {
            bool read = EndsAfter(leaf, subleaf - 1, before) is { } ended ? !ended : (listed >> (int)subleaf & 1) != 0;
            if (read)
            {
                before = cpuid(leaf, subleaf);
                entries.Add(Entry(leaf, subleaf, CpuidEntryFlags.SignificantIndex, before));
            }
            else if (listed >> (int)subleaf == 0)
            {
                return;
            }
        }
    }

    /// <summary>For leaves that end with a mark in the last subleaf: whether this was the last. Null for the
    /// others.</summary>
    private static bool? EndsAfter(uint leaf, uint subleaf, CpuidRegisters registers) => leaf switch
    {
        // EAX[4:0], the cache's type, is 0.
        4 or 0x8000_001D => (registers.Eax & 0x1F) == 0,
        // ECX[15:8], the level's type, is 0.
        0xB or 0x1F or 0x8000_0026 => (registers.Ecx & 0xFF00) == 0,
        // From subleaf 2 on, EAX[3:0], the kind of the EPC section, is 0.
        0x12 => registers == default || (subleaf >= 2 && (registers.Eax & 0xF) == 0),
        // EAX[11:0], the kind of the subleaf, is 0.
        0x1B => (registers.Eax & 0xFFF) == 0,
        _ => null,
    };

    /// <summary>For leaves whose subleaf 0 lists or counts the others: one bit for each that exists.</summary>
    private static ulong ListedSubleaves(
        Func<uint, uint, CpuidRegisters> cpuid, uint leaf, CpuidRegisters first) => leaf switch
        {
            // XCR0 components in EDX:EAX, IA32_XSS components in subleaf 1 EDX:ECX; subleaf 1 itself is always there.
            0xD => Wide(first.Edx, first.Eax) | Wide(cpuid(0xD, 1).Edx, cpuid(0xD, 1).Ecx) | 2,
            0xF => first.Edx,
            0x10 or 0x8000_0020 => first.Ebx,
            0x23 => first.Eax,
            // AMX: subleaf 1 came later than the leaf, and the count in subleaf 0 is reserved on the first CPUs.
            0x1E => Math.Max(UpTo(first.Eax), first == default ? 0 : 2ul),
            7 or 0x14 or 0x17 or 0x18 or 0x1D or 0x20 or 0x24 or 0x29 => UpTo(first.Eax),
            _ => 0,
        };

    private static ulong Wide(uint high, uint low) => ((ulong)high << 32) | low;

    private static ulong UpTo(uint last) => last >= 63 ? ulong.MaxValue : (1ul << ((int)last + 1)) - 1;

    private static CpuidEntry Entry(uint leaf, uint subleaf, CpuidEntryFlags flags, CpuidRegisters registers) =>
        new(leaf, subleaf, flags, registers.Eax, registers.Ebx, registers.Ecx, registers.Edx);
}
