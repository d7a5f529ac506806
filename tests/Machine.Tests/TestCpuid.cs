// SPDX-License-Identifier: Apache-2.0

using System.Text;
using KvmActors.Cpu.Cpuid;

namespace KvmActors.Machine.Tests;

/// <summary>A fixed CPUID table, so that what a test's guest prints does not depend on the machine the test runs
/// on.</summary>
internal static class TestCpuid
{
    // Leaf 1. EDX: FPU, PSE, TSC, MSR, PAE, CX8, PGE, CMOV, MMX, FXSR, SSE, SSE2. ECX: CX16, MOVBE, POPCNT, hypervisor.
    private const uint Features = (1u << 0) | (1u << 3) | (1u << 4) | (1u << 5) | (1u << 6) | (1u << 8) | (1u << 13)
        | (1u << 15) | (1u << 23) | (1u << 24) | (1u << 25) | (1u << 26);

    private const uint MoreFeatures = (1u << 13) | (1u << 22) | (1u << 23) | (1u << 31);

    // Leaf 7. EBX: BMI1, BMI2, ADX, and the two bits that say something is missing.
    private const uint BitFeatures = (1u << 3) | (1u << 8) | (1u << 19) | (1u << 6) | (1u << 13);

    // Leaf 0x80000001. EDX: SYSCALL, NX, LM. ECX: LAHF in 64-bit mode, LZCNT.
    private const uint ExtendedFeatures = (1u << 11) | (1u << 20) | (1u << 29);

    public static CpuidTable Table { get; } = CpuidTable.Of(
    [
        new CpuidEntry(0, 0, CpuidEntryFlags.None, 0xD, Word("Genu"), Word("ntel"), Word("ineI")),
        new CpuidEntry(1, 0, CpuidEntryFlags.None, 0x306F2, 0x800, MoreFeatures, Features),
        new CpuidEntry(4, 0, CpuidEntryFlags.SignificantIndex, 0x121, 0x01C0_003F, 63, 0),
        new CpuidEntry(4, 1, CpuidEntryFlags.SignificantIndex, 0x122, 0x01C0_003F, 63, 0),
        new CpuidEntry(4, 2, CpuidEntryFlags.SignificantIndex, 0, 0, 0, 0),
        new CpuidEntry(7, 0, CpuidEntryFlags.SignificantIndex, 0, BitFeatures, 0, 0),
        new CpuidEntry(0xB, 0, CpuidEntryFlags.SignificantIndex, 0, 1, 0x100, 0),
        new CpuidEntry(0xB, 1, CpuidEntryFlags.SignificantIndex, 0, 1, 0x201, 0),
        new CpuidEntry(0xD, 0, CpuidEntryFlags.SignificantIndex, 1, 576, 576, 0),
        new CpuidEntry(
            0x4000_0000, 0, CpuidEntryFlags.None, 0x4000_0001, Word("KVMK"), Word("VMKV"), Word("M\0\0\0")),
        new CpuidEntry(0x4000_0001, 0, CpuidEntryFlags.None, 0, 0, 0, 0),
        new CpuidEntry(0x8000_0000, 0, CpuidEntryFlags.None, 0x8000_0008, 0, 0, 0),
        new CpuidEntry(0x8000_0001, 0, CpuidEntryFlags.None, 0, 0, (1u << 0) | (1u << 5), ExtendedFeatures),
        Brand(0x8000_0002, "A test's own pro"),
        Brand(0x8000_0003, "cessor at 1 GHz\0"),
        Brand(0x8000_0004, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        new CpuidEntry(0x8000_0008, 0, CpuidEntryFlags.None, 0x3028, 0, 0, 0),
    ]);

    private static CpuidEntry Brand(uint leaf, string text) => new(
        leaf, 0, CpuidEntryFlags.None, Word(text[..4]), Word(text[4..8]), Word(text[8..12]), Word(text[12..]));

    private static uint Word(string text) => BitConverter.ToUInt32(Encoding.ASCII.GetBytes(text));
}
