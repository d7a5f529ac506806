// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid.Names;

/// <summary>What a person asks of a table first.</summary>
/// <param name="Maker">The twelve characters of leaf 0; empty if there is no leaf 0.</param>
/// <param name="Brand">The brand string; empty if there is none.</param>
/// <param name="Hypervisor">The signature of leaf 40000000H; empty if there is none.</param>
/// <param name="PhysicalBits">Width of physical addresses; 0 if the table does not say.</param>
/// <param name="LinearBits">Width of linear addresses; 0 if the table does not say.</param>
/// <param name="GuestPhysicalBits">Width of a nested guest's physical addresses; 0: as
/// <paramref name="PhysicalBits"/>.</param>
/// <param name="MaxBasicLeaf">The highest basic leaf; null if there is no leaf 0.</param>
/// <param name="MaxExtendedLeaf">The highest extended leaf; null if there is no leaf 80000000H.</param>
/// <param name="Levels">From the threads outwards.</param>
/// <remarks>Source: Intel SDM vol. 2A, "CPUID", leaf 1 (family and model), 80000002H to 80000004H, 80000008H.</remarks>
public sealed record CpuidSummary(
    string Maker,
    string Brand,
    int Family,
    int Model,
    int Stepping,
    string Hypervisor,
    int PhysicalBits,
    int LinearBits,
    int GuestPhysicalBits,
    uint? MaxBasicLeaf,
    uint? MaxExtendedLeaf,
    ImmutableArray<CpuidCache> Caches,
    ImmutableArray<CpuidTopologyLevel> Levels,
    CpuidXsaveArea? Xsave)
{
    /// <summary>KVM's signature.</summary>
    public const string Kvm = "KVMKVMKVM";

    public static CpuidSummary Of(CpuidTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        uint version = table.Find(1, 0)?.Eax ?? 0;
        uint widths = table.Find(0x8000_0008, 0)?.Eax ?? 0;
        CpuidRegisters signature = table.Find(0x4000_0000, 0)?.Registers ?? default;
        return new CpuidSummary(
            table.Vendor,
            BrandOf(table),
            FamilyOf(version),
            ModelOf(version),
            (int)(version & 0xF),
            CpuidCharacters.Of(signature.Ebx, signature.Ecx, signature.Edx),
            (int)(widths & 0xFF),
            (int)(widths >> 8 & 0xFF),
            (int)(widths >> 16 & 0xFF),
            table.FirstOfLeaf(0)?.Eax,
            table.FirstOfLeaf(0x8000_0000)?.Eax,
            CpuidCache.Of(table),
            CpuidTopologyLevel.Of(table),
            CpuidXsaveArea.Of(table));
    }

    /// <summary>The base family, with the extended one added if it is 15.</summary>
    /// <param name="version">EAX of leaf 1.</param>
    public static int FamilyOf(uint version)
    {
        int family = (int)(version >> 8 & 0xF);
        return family == 0xF ? family + (int)(version >> 20 & 0xFF) : family;
    }

    /// <summary>The base model, with the extended one in front if the base family is 6 or 15.</summary>
    /// <param name="version">EAX of leaf 1.</param>
    public static int ModelOf(uint version)
    {
        int model = (int)(version >> 4 & 0xF);
        return (version >> 8 & 0xF) is 6 or 0xF ? model | (int)(version >> 12 & 0xF0) : model;
    }

    private static string BrandOf(CpuidTable table)
    {
        uint[] words = [.. Enumerable.Range(0, 3)
            .Select(i => table.Find(0x8000_0002 + (uint)i, 0)?.Registers ?? default)
            .SelectMany(part => (uint[])[part.Eax, part.Ebx, part.Ecx, part.Edx])];
        return CpuidCharacters.Of(words);
    }
}
